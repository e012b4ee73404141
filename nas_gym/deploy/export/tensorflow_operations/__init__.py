"""What TensorFlow computes for each operation.

Signals, sequences and images have their channels last here: (batch, *sides, channels). What a graph has for
each pair of nodes is the other way round, too.
"""
