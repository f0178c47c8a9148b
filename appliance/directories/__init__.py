"""What the organisation's directories say of its people, and what that changes here."""
