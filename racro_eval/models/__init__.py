"""Models: from what a user types to an entry, what identifies its weights, and what is in a key."""
