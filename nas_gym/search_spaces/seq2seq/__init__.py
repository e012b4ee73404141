"""The space of networks that read one sequence and answer with another."""
