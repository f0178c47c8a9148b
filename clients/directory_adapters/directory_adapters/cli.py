"""The command: ``python -m directory_adapters wecom --config FILE``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from directory_adapters import dingtalk, wecom
from directory_adapters.address_book import Reader
from directory_adapters.errors import AdapterError, RemovalsError
from directory_adapters.pushing import confirm, described, find, push
from directory_adapters.scim import Scim
from directory_adapters.settings import Settings, load

DONE, FAILED, HELD, PARTLY = 0, 1, 3, 4
"""Exit statuses: done; stopped, which changed nothing unless the message says so; more people would leave than
may; done but for some people. 2 is a wrong command line."""


def main(arguments: Sequence[str], pause: Callable[[float], None] = time.sleep) -> int:
    """Runs one adapter once, and returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        return _run(options, pause)
    except RemovalsError as error:
        _say(f"stopped: {error}", sys.stderr)
        return HELD
    except AdapterError as error:
        _say(f"stopped: {error}", sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "directory_adapters", description="Push an address book to the SCIM endpoint of Vermilion."
    )
    parser.add_argument("source", choices=(wecom.SOURCE, dingtalk.SOURCE), help="which address book")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the settings, a TOML file")
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, and change nothing")
    parser.add_argument(
        "--allow-removals", type=int, default=0, metavar="N", help="let up to N people leave in this run"
    )
    return parser


def reader_of(settings: Settings, pause: Callable[[float], None] = time.sleep) -> Reader:
    """What reads the address book that *settings* name."""
    if isinstance(settings.book, wecom.WecomSettings):
        return wecom.WecomReader(settings.book, settings.rules.labels, pause)
    return dingtalk.DingtalkReader(settings.book, settings.rules.labels, pause)


def _run(options: argparse.Namespace, pause: Callable[[float], None]) -> int:
    settings = load(options.config, options.source)
    reader, scim = reader_of(settings, pause), Scim(settings.appliance, options.source, pause)
    found = find(reader, scim, settings)
    try:
        found = confirm(found, reader, settings, options.allow_removals)
    finally:
        if options.dry_run:  # also, and above all, what is too much
            for line in described(found):
                _say(line)
    todo = found.plan
    if options.dry_run:
        print(
            f"would be done: {len(todo.creations)} created, {len(todo.changes)} changed,"
            f" {len(todo.departures)} leave, {len(todo.left_alone)} left alone"
        )
        return PARTLY if todo.left_alone else DONE
    done = push(found, scim, _say)
    print(
        f"done: {done.created} created, {done.changed} changed, {done.departed} left,"
        f" {done.groups} groups changed, {len(done.problems)} problems"
    )
    for problem in done.problems:
        _say(f"problem: {problem}", sys.stderr)
    return PARTLY if done.problems else DONE


def _say(line: str, to: TextIO | None = None) -> None:
    """One line, whatever people have in their names: no line breaks, nothing that a terminal would obey."""
    print("".join(each if each.isprintable() else " " for each in line), file=to)
