"""Kinds of inputs, one a file, and how each is prepared on the training part of a seed. Nothing else belongs here."""
