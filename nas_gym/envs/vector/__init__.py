"""Many environments in one, in the form of Gymnasium's `VectorEnv` and for stable-baselines3."""
