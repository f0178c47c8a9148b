"""A booted machine with an installed release: made, told a story, and judged from outside (README.md)."""
