"""Spaces of recurrent networks for sequences: stacked layers, and the cell of ENAS."""
