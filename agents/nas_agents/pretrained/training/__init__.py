"""How the policy is trained: on which spaces and landscapes, and by imitation of what."""
