"""Which decisions mattered most?"""
