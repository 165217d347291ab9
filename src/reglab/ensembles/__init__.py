"""Ensembles: several networks that predict as one. One file each, found by its name."""
