"""Measurements, never assertions: the floors of this machine and our figures beside them, in one run."""
