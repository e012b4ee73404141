"""Fused kernels of the operations on sequences."""
