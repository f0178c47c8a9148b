"""The appliance's processes under one parent, in development; systemd does it on the appliance."""

from appliance.supervision.service import Service
from appliance.supervision.supervisor import Say, Supervisor

__all__ = ["Say", "Service", "Supervisor"]
