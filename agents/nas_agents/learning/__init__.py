"""What agents that learn from nothing share: networks as features, models of rewards and of values, guides."""
