"""Events for other programs: the feed, webhooks, their targets."""
