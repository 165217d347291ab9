"""Tables in files: reading them as text, inferring a schema once, and checking files against it ever after."""
