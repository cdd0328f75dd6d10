"""Scoring: verdicts by a benchmark's own scorer, and its metric from these verdicts."""
