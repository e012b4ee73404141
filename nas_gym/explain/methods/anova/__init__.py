"""What choices and edits do to the accuracy."""
