"""The operator's actions, a module for each area; :mod:`appliance.administration.registry` gathers them."""
