"""Images and signals in files."""
