"""Models: from a name to an entry, the fingerprint of its weights, and its part of cache keys."""
