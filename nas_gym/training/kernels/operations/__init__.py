"""The fused kernels of each operation, one file each, named as in `nas_gym/networks/operations`."""
