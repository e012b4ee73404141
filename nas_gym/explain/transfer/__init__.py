"""How well architectures found on one task do on others."""
