"""Fused kernels of operations on series."""
