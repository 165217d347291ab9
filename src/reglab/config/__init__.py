"""The only reader of params.yaml: parsing, names, checks of one section against another and against the data, profiles.

It trains nothing.
"""
