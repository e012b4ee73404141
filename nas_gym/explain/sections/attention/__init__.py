"""What does the policy look at?"""
