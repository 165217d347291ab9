"""Searches over settings on validation data alone: sweeps of one technique, cocktails of several."""
