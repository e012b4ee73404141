"""Fused kernels of operations on the columns of tables."""
