"""What do all runs say together?"""
