"""The operator's console: real administration, real findings, a real authority behind it."""
