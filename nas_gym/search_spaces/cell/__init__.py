"""The cell space: an operation on each edge of a small graph."""
