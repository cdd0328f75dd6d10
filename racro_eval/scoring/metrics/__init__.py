"""From verdicts to a benchmark's headline."""
