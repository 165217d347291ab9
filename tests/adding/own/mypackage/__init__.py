"""A package of the user's own, beside params.yaml."""
