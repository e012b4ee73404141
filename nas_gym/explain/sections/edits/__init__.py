"""Which edits help?"""
