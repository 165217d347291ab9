"""The closed forms of the lecture, computed, checked and drawn."""
