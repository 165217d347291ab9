"""A laboratory for regularization in deep learning."""
