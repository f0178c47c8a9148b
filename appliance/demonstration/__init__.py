"""The demonstration: a home made from nothing, and the main job run in it with people who do not exist."""
