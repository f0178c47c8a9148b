"""The addresses in the settings of a home that exists already: an earlier release made it, or it is served at
another port now."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from appliance.config import Settings, load
from appliance.demonstration.new_home import NewHome
from appliance.errors import ConfigurationError
from appliance.home import Home
from appliance.supervision import Say
from hsm import config
from hsm.files import write_durably
from hsm.settings import tables_of

_ORIGINS = re.compile(r'^(console_)?origins = \["([^"\n]*)"\]$', re.MULTILINE)
"""The lines of the authority's settings that ``vermilion up`` writes."""

_LOCAL = "http://localhost:"


def renew_addresses(home: Home, new: NewHome, *, port: int | None, say: Say) -> None:
    """Has the settings of *home* (as *new* describes it) name the activation service as it is served now, at
    *port* where one is given; the authority reads them when it starts.

    Releases before that service wrote the portal's origin into the authority's: nobody could confirm a signature,
    but a page of the portal could have one confirmed. What ``vermilion up`` wrote itself is replaced. Raises
    :class:`ConfigurationError` where somebody else has written what does not fit.
    """
    if "activation" not in tables_of(home.settings, maker="vermilion init"):
        text = home.settings.read_text(encoding="utf-8")
        _replace(home.settings, text + new.activation_settings(load(home).web.port))
    settings = load(home)
    served = settings if port in (None, settings.web.port) else settings.at_port(port)
    path = home.authority_settings
    text = path.read_text(encoding="utf-8")
    renewed = _ORIGINS.sub(lambda line: _renewed(line, settings, served), text)
    if renewed != text:
        _replace(path, renewed)
        own = served.activation.origin
        say(
            "founding    {path}: signatures are confirmed on {own} from now on, and nowhere else",
            path=path,
            own=own,
        )
    _require_apart(home, served)


def _renewed(line: re.Match[str], settings: Settings, served: Settings) -> str:
    console, found = line.groups(default="")
    if not found.startswith(_LOCAL) and found not in (settings.web.origin, settings.activation.origin):
        return line[0]
    return f'{console}origins = ["{(served.console if console else served.activation).origin}"]'


def _require_apart(home: Home, served: Settings) -> None:
    own, portal = served.activation.origin, served.web.origin
    taken = config.load(home.root).activation.origins
    if own not in taken or portal in taken:
        raise ConfigurationError(
            "{path}: activation.origins must name {own}, where people confirm signatures, and not {portal}, where"
            " they sign in. Change that line, and start again.",
            path=home.authority_settings,
            own=own,
            portal=portal,
        )


def _replace(path: Path, text: str) -> None:
    write_durably(path, text.encode(), mode=stat.S_IMODE(path.stat().st_mode))
