"""The demonstration: what a new home contains, its people, who do not exist, and the main job run with them."""
