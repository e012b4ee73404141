"""Tests of nas_gym.training.hardware, and of training on a GPU."""
