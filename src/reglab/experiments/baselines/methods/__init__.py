"""Classical methods, one a file, found by name. Nothing else belongs here."""
