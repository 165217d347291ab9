"""The table of contents of the study: one technique a file, found by its name."""
