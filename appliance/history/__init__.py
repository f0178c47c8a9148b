"""What happened: typed events, and the chronicle that writes them into the log."""
