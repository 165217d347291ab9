"""The names of the metrics of a trained network itself, which `training.one_seed` computes for every seed."""

NETWORK = ("zero_weights", "idle_units", "weight_norm", "distance_from_start")
