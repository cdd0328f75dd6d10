"""General helpers that know nothing of models or benchmarks; every other room may import them."""
