"""Pairs of sequences, of which the second is the answer to the first: translations, pronunciations, dates."""
