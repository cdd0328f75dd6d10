"""Two answers: read into a tree, and compared by their rule."""
