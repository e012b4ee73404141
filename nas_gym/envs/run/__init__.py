"""The account of a run: its budget, its ledger, and walks."""
