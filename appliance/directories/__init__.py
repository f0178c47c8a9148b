"""What the organisation's directories change here: comparing, following, leaving, and the scheduler's rounds."""
