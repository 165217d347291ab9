"""How good a recipe is, and whether a difference is real."""
