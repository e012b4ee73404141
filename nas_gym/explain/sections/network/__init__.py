"""What does the found network use?"""
