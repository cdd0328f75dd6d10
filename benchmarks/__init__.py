"""The YAML files of the benchmarks."""
