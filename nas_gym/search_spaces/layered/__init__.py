"""What spaces share whose architectures are layers in a row and choices for the whole network."""
