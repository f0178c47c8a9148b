"""Web captures (网页取证): who ordered which, the scheduler's work on them, plans to capture again, and retention."""
