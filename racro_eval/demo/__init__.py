"""The demo: a benchmark of generated problems, and three tiny models that answer it."""
