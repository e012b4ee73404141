"""How a search by gradients decided: the weights of candidates, and signs of collapse."""
