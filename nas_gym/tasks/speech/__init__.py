"""Words spoken by a machine: what says them, and the recordings of them."""
