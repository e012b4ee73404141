"""Losses: one file each, with the score that is measured beside it."""
