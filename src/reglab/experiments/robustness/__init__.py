"""Trained networks under attack, and whether the attack can be believed."""
