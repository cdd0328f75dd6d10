"""Tables like that of the paper: a column per benchmark, a block per MLLM, a row per reasoner."""
