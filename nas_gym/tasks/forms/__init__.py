"""Forms: how what comes in files became examples, which a saved network keeps for new ones."""
