"""The edit graph of a search space: states by number, distances, paths and landscapes."""
