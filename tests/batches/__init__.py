"""A batch of the API whose process is killed again and again: each row becomes one contract, and is sent once."""
