"""What agents that learn from nothing share: features of networks, models of rewards and values, guides."""
