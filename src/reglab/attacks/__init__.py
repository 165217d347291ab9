"""Attacks: from a model, inputs and labels to inputs near by that the model gets wrong."""
