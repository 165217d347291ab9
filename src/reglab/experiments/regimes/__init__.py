"""Recipes in every cell of training size x label noise x width."""
