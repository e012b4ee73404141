"""Neural architecture search as a Gymnasium environment; importing it registers the ids."""
