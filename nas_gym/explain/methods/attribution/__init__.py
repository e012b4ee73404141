"""What a policy or a network uses of what it is shown."""
