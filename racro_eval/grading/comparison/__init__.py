"""Compares two answers: each is read into a tree, and the trees are compared by an answer rule."""
