"""Recipes of which one random stream at a time is varied."""
