"""The space of transformers: chains of attention, feed-forward and convolution over a sequence."""
