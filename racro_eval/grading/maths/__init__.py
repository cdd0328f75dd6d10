"""Compares formulas: exactly, by their values, or by sympy in a worker process."""
