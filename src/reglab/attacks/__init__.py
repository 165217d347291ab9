"""Adversarial attacks as functions of a model and a batch.

Whether they can be believed is checked in experiments/robustness/.
"""
