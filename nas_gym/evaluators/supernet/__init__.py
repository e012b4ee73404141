"""Scores by weights that all networks of a search space share."""
