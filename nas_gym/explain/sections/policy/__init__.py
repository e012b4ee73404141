"""What did the agent learn?"""
