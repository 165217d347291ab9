"""Networks, one a file, found by name. Nothing else belongs here; their base class is in training/network.py."""
