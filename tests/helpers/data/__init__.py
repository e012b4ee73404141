"""Tables and data for tests."""
