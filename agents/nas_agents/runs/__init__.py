"""Runs: one search, the score of the network it chose, and many of them in worker processes."""
