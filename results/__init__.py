"""The paper's own results, as a data file."""
