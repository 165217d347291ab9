"""Sections of the report beside those of the families: one class a file, found by name, and nothing else."""
