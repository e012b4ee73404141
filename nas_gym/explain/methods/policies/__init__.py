"""What an agent learned, and how faithful small trees are to it."""
