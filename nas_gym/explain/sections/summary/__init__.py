"""What was found, and why is it good?"""
