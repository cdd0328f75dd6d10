"""From responses to verdicts by a benchmark's own rule, and from verdicts to its metric."""
