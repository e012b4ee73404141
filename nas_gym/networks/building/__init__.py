"""Building networks, operation by operation; the operations of each field in a file."""
