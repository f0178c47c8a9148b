"""What `upgrade` and `rollback` have in common: where the releases are, how services are stopped and started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

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
)


def of_site(function: Callable[..., Any]) -> Callable[..., Any]:
    """*function*, a command, with these options: ``root``, ``stop``, ``start``."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
