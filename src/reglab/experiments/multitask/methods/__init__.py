"""Ways to learn the tasks, one a file, found by name. Nothing else belongs here."""
