"""What is told of an act."""
