"""What happened: typed events, and the audit that writes them into the log."""
