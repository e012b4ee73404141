"""Kernels of operations on graphs.

A batch is innermost on the tape, but a product of small matrices for each example wants it outermost:
`turned.py` turns values over, which takes as long as the products.
"""
