"""Pictures of the main screens, taken from a home that is made for them: run by ``make screenshots``."""
