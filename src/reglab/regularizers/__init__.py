"""Techniques, one a file, found by name.

Nothing else belongs here; what they derive from is training/regularizer.py.
"""
