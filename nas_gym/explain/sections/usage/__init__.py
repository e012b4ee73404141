"""How is the found network used?"""
