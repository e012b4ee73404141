"""Explanations: why the search ended where it did, and how far each statement can be trusted."""

from nas_gym.explain.evidence.run import Evidence, read_evidence
from nas_gym.explain.pipeline import explain
from nas_gym.explain.section import Explanation, Figure, Section, Table

__all__ = ["Evidence", "Explanation", "Figure", "Section", "Table", "explain", "read_evidence"]
