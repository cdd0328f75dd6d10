"""Metrics: functions from graded rows to a benchmark's headline."""
