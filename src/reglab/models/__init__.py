"""Networks: a backbone with a linear head."""
