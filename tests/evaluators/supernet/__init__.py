"""Tests of the evaluator by shared weights."""
