"""Where the answer of a response is."""
