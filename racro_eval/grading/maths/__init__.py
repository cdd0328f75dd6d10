"""Whether two formulas are equal: exactly, by values, by sympy in a worker process."""
