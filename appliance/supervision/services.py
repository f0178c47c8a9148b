"""The five processes as they run in development: the authority, and what speaks to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException

from appliance.config import Settings
from appliance.home import Home
from appliance.supervision.supervisor import Say, Service, Supervisor
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError
from hsm.operation_types import AuthorityState

AUTHORITY = "authority"

TSA_PORT_ABOVE = 1
"""The timestamp service listens one port above the portal, both on the loopback interface only. The portal
forwards requests for ``/tsa`` to it, as nginx does on an appliance."""


def services(settings: Settings, environment: Mapping[str, str]) -> list[Service]:
    """All of them: the authority first, then those that speak to it, side by side."""
    home, port, timestamps = settings.home, settings.web.port, settings.web.port + TSA_PORT_ABOVE
    return [
        authority(home, environment),
        _gunicorn("web", f"webui.portal.process:create(timestamp_port={timestamps})", port, home, environment),
        _gunicorn("tsa", "webui.tsa.process:create()", timestamps, home, environment),
        _service("scheduler", ("-m", "appliance.jobs"), lambda: True, home, environment),
        _gunicorn("console", "webui.console.process:create()", settings.console.port, home, environment),
    ]


def authority(home: Home, environment: Mapping[str, str]) -> Service:
    """The authority: it serves when it says that it is operational."""
    return _service(AUTHORITY, ("-m", "hsm.cli", "serve"), lambda: operational(home), home, environment)


def running_authority(home: Home, *, say: Say, environment: Mapping[str, str]) -> Supervisor:
    """A context in which an authority runs in *home*: the one that is there already, else one of our own."""
    wanted = [] if operational(home) else [authority(home, environment)]
    return Supervisor(wanted, say=say)


def operational(home: Home) -> bool:
    """Whether an authority answers in *home* and can sign."""
    with AuthorityClient(home.authority_socket("operator"), timeout=2.0) as client:
        try:
            return client.status().state is AuthorityState.OPERATIONAL
        except AuthorityError:
            return False


def answers(port: int) -> bool:
    """Whether something speaks HTTP on the loopback interface, whatever it thinks of ``GET /livez``."""
    connection = HTTPConnection("127.0.0.1", port, timeout=2.0)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _gunicorn(name: str, application: str, port: int, home: Home, environment: Mapping[str, str]) -> Service:
    settings = f"python:{application.partition('.process:')[0]}.gunicorn"
    arguments = ("-m", "gunicorn", "--config", settings, "--bind", f"127.0.0.1:{port}", application)
    return _service(name, arguments, lambda: answers(port), home, environment)


def _service(
    name: str, arguments: tuple[str, ...], serves: Callable[[], bool], home: Home, environment: Mapping[str, str]
) -> Service:
    return Service(
        name=name,
        command=(sys.executable, *arguments),
        serves=serves,
        log=home.logs / f"{name}.log",
        environment={**environment, "VERMILION_HOME": str(home.root), "PYTHONUNBUFFERED": "1"},
        after=() if name == AUTHORITY else (AUTHORITY,),
    )


def inherited(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What children get of our environment: enough to find programs and to speak, nothing else."""
    wanted = ("PATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR")
    return {name: environment[name] for name in wanted if name in environment}
