"""Ways to split examples: the order of random splits, whole groups, time, folds, and parts that the file names."""
