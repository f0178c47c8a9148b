"""Activations: proof that the right people want exactly this act, now, once."""

from hsm.activation.judge import Authorised, Judge

__all__ = ["Authorised", "Judge"]
