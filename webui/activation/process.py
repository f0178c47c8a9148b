"""The process ``vermilion-activation``: what gunicorn loads in its worker, after the fork."""

from __future__ import annotations

import atexit
import os
from contextlib import ExitStack

from appliance.activation_requests import ActivationRequests
from appliance.config import load
from appliance.confinement.jobs import DRAWING
from appliance.confinement.pool import Confinement
from appliance.home import Home
from appliance.logs import set_up_logging
from appliance.pdf.workshop import PdfWorkshop
from hsm.client import AuthorityClient
from webui.activation.acts import ShownActs
from webui.activation.application import create_app
from webui.activation.parts import ActivationParts
from webui.shared.headers import VisitorAddress


def create() -> VisitorAddress:
    """The application for the home that the environment names; closed when the process ends."""
    settings = load(Home.of(os.environ)).of_run(os.environ)
    set_up_logging(settings.logs, "vermilion-activation")
    stack = ExitStack()
    atexit.register(stack.close)
    confinement = stack.enter_context(Confinement(settings.home.cache, warm=1, jobs=DRAWING, warm_up=()))
    authority = stack.enter_context(AuthorityClient(settings.home.authority_socket("activation")))
    parts = ActivationParts(
        settings=settings,
        requests=ActivationRequests(settings.home.activation_requests),
        acts=ShownActs(
            authority,
            PdfWorkshop(confinement, timeout=float(settings.documents.patience)),
            threads=settings.activation.threads,
        ),
        authority=authority,
    )
    return VisitorAddress(create_app(parts))
