"""What a run does with one model on one benchmark: perceive, reason, grade, judge."""
