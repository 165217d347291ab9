"""Searches over settings: sweeps of one technique, cocktails of several. Chosen on validation data alone."""
