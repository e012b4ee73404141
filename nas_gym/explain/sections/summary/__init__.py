"""What was found, and how good is it?"""
