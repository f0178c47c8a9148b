"""What processes say, and where it goes."""
