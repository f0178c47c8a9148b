"""The appliance's processes under one parent, in development; systemd does it on the appliance."""

from appliance.supervision.supervisor import Say, Service, Supervisor

__all__ = ["Say", "Service", "Supervisor"]
