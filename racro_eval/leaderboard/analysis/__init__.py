"""Behind the scores: verdicts by sample, where answers go wrong, tokens and time."""
