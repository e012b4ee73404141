"""What a run knows, read once for all explanations."""
