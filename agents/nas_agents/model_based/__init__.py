"""An agent that plans in a model of the rewards."""
