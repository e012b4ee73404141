"""What would change the result?"""
