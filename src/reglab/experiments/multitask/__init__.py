"""One or several tasks on rendered scenes."""
