"""The engine `transformers`: in this process, on CPU or GPU."""
