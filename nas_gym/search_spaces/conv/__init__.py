"""The conv space: chains of convolutions and pools with skip connections."""
