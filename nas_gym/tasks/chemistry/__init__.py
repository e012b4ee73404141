"""Molecules as graphs and formulas as features."""
