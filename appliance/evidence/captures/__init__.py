"""Web captures as evidence: what a capture package says, holds and proves (docs/decisions/0099)."""
