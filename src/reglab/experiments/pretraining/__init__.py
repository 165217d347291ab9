"""Pretexts: what is learned without the labels of the task to come."""
