"""model_based."""
