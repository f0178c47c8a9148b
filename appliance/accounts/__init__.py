"""The people and seals that the appliance knows."""
