"""What knows nothing of regularization: errors, random streams, losses, figure style, exact checks.

It imports nothing else of reglab.
"""
