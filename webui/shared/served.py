"""The portal's application, as its pages and the API share it: with the appliance that they ask."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import cast

from flask import Flask, current_app
from werkzeug.local import LocalProxy

from appliance.wiring import Appliance


class Portal(Flask):
    """The application, with the ``appliance`` that its pages ask."""

    appliance: Appliance


appliance = cast(Appliance, LocalProxy(partial(attrgetter("appliance"), current_app)))
"""The appliance of the application that answers the request."""
