"""Activations: proof that the right people want exactly this intent, now, once."""
