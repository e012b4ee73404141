"""The cells of NAS-Bench-101: operations on the vertices of a small graph of any shape."""
