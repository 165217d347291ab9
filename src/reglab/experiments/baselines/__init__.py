"""Classical methods on the same splits as the networks."""
