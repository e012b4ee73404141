"""Colours of figures: series that the colour-blind tell apart, and those of text, axes and pages."""

from __future__ import annotations

# The series follow Okabe and Ito (2008), two of them darkened to stand out from a white page.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#b8609a", "#c98a00", "#3a9bd9", "#6b7785")
INK, MUTED, FAINT, PAPER = "#1f2933", "#5b6775", "#d9dee4", "#fffffe"
