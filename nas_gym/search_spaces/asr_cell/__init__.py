"""The cell of NAS-Bench-ASR: three operations in a row, with shortcuts."""
