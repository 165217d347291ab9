"""Pretext tasks: what a network can learn without the labels of the task it is meant for."""
