"""Data sources, one a file, found by name: a function `load` each. Nothing else belongs here."""
