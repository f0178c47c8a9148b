"""What happens by itself: the scheduler process, ``python -m appliance.jobs``."""
