"""Texts as sequences of codes."""
