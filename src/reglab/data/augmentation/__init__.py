"""Transformations of images as pure functions, and the policy that draws them."""
