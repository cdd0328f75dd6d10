"""The YAML files of the prompt sets."""
