"""Metrics of test predictions beside those that every record has: one class a file, found by name, and nothing else."""
