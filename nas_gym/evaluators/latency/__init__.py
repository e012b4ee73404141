"""Latency: measured on this machine, predicted by layer, or read from a table of a device."""
