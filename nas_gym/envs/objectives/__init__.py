"""Several objectives: what they are, rewards made of them, and fronts of what none dominates."""
