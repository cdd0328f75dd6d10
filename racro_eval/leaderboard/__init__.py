"""Tables like the paper's: benchmarks as columns, a block per MLLM, a row per reasoner."""
