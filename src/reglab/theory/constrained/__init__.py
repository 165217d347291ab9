"""Minimisation under constraints: a solver by multipliers, and textbook problems with their known optima."""
