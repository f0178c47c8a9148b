"""The two programs that travel in every package and check it without our software."""
