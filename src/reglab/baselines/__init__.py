"""Classical classifiers on the same splits: what a network has to beat. One file each, found by its name."""
