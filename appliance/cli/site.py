"""What `upgrade` and `rollback` have in common: where the releases are, how services are stopped and started."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from appliance.operations.releases import Commands

_OPTIONS = (
    click.option(
        "--root",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=Path("/opt/vermilion"),
        help="Where `releases/` and the link `current` are; /opt/vermilion without this.",
    ),
    click.option("--stop", default="", help="The command that stops all services."),
    click.option(
        "--start", default="", help="The command that starts them; then the release has to say that it serves."
    ),
    click.option(
        "--attended", is_flag=True, help="People unlock the authority: a release that waits for them serves, too."
    ),
)


def with_release_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """*function*, a command, with these options: it gets ``root``, and of all others ``commands``."""

    @wraps(function)
    def command(*given: Any, stop: str, start: str, attended: bool, **other: Any) -> Any:
        return function(*given, commands=Commands(stop, start, attended=attended), **other)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command
