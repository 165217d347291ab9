"""Topics of the lecture, one a file, found by name. Nothing else belongs here."""
