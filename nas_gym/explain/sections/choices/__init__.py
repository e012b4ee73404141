"""Which choices matter?"""
