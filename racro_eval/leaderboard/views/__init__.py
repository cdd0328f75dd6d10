"""Views of the results; each makes a document of cells."""
