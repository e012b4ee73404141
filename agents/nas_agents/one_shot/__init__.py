"""Searches on weights that architectures share: by paths, and by gradients of mixtures."""
