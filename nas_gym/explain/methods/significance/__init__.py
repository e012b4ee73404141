"""Whether a difference could be chance."""
