"""The operations that networks are made of, one file each.

All that is known of an operation stands in its file; its fused kernels, if it has any, stand in
``nas_gym/training/kernels/`` under the same name.
"""
