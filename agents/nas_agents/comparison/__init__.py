"""Comparing agents honestly: many runs, intervals, tests, and what the number of runs can show."""
