"""A run: from settings to a plan, and through it, model by model."""
