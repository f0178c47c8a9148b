"""What operators do and ask."""
