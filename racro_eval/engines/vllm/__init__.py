"""The engine `vllm`: in a process of its own, with tensor and data parallelism."""
