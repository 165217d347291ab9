"""Several tasks on rendered scenes: which class is seen at each pixel, and how far away."""
