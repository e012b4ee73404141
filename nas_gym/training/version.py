"""The version of what training gives."""

ENGINE_VERSION = 1
"""Raised by hand when the numbers that training gives change; a golden test guards it."""
