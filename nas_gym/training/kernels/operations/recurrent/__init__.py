"""Recurrent layers, a step of all members at a time."""
