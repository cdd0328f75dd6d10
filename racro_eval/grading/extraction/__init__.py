"""Extraction: finds the final answer of a response."""
