"""Errors, random streams, losses, figure style, exact checks: what does not depend on the subject of the study.

It imports nothing else of reglab.
"""
