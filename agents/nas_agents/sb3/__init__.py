"""Agents that learn with stable-baselines3."""
