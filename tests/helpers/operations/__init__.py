"""Networks around the operations that have kernels, by the kind of their examples."""
