"""Documents as bytes: taking them in, and keeping them by digest."""
