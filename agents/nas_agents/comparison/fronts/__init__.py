"""Comparisons on several objectives: how good each front is, in numbers, tables and pictures."""
