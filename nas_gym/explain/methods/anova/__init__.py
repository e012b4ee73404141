"""The effects of choices and edits on the score."""
