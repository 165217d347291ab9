"""Transformations of images as pure functions, and the policy that draws them. No technique and no stage."""
