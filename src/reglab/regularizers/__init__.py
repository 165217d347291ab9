"""Techniques, one per file, found by name.

Nothing else belongs here; their base class is in training/regularizer.py.
"""
