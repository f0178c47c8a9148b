"""The command loads what it needs and no more: the help is made from a table, a command loads when it runs."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from appliance.cli import main
from appliance.cli.program import COMMANDS, docstring_of

HEAVY = (
    "babel",
    "cryptography",
    "flask",
    "pikepdf",
    "pyhanko",
    "pypdfium2",
    "pysqlite3",
    "uharfbuzz",
    "weasyprint",
)
LONG = 1000
"""Longer than every help."""


def loaded_by(*arguments: str) -> set[str]:
    """The modules that the command has loaded when it ends."""
    program = (
        "import sys\nfrom appliance.cli import main\n"
        "try:\n    main(sys.argv[1:])\nfinally:\n    print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines())


def test_help_loads_no_command_and_no_large_library() -> None:
    loaded = loaded_by("--help")
    assert not {name for name in loaded if name.partition(".")[0] in HEAVY}
    assert {name for name in loaded if name.startswith("appliance.cli.")} == {"appliance.cli.program"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_of_each_command_what_the_command_says_of_itself(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None and command.name == name
    assert click.Command(name, help=docstring_of(COMMANDS[name])).get_short_help_str(
        LONG
    ) == command.get_short_help_str(LONG)
