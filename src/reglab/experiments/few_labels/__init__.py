"""Transfer and semi-supervised learning with a few labels of each class."""
