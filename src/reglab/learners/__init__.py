"""Lightning modules, one a way of learning: they differ in batch and loss only."""
