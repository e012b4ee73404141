"""Residual perceptrons for tables, with embeddings of numbers and categories."""
