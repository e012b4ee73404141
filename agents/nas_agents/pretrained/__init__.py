"""An agent whose policy was trained before the search, on landscapes other than the one it searches."""
