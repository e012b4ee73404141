"""Policies over edits: tables and networks that score actions, and files of them."""
