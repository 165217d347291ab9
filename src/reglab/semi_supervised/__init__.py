"""Semi-supervised learning: few examples with labels and many without, together."""
