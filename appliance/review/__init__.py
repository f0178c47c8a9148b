"""The content check: deterministic rules over a contract's text, waivers, and the reviewer's sign-off."""
