"""Constrained optimization: the method of multipliers and the problems of its figure."""
