"""Activations: proof that the right people want exactly this intent, now, once."""

from hsm.activation.authoriser import AuthorisedIntent, IntentAuthoriser

__all__ = ["AuthorisedIntent", "IntentAuthoriser"]
