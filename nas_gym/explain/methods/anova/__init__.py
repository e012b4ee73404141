"""anova."""
