"""``vermilion ceremonies``: what is on record of key ceremonies, and one transcript."""

from __future__ import annotations

import click

from appliance.cli.program import REFUSED, Context
from hsm.client import AuthorityClient


@click.command("ceremonies")
@click.argument("number", type=int, required=False)
@click.pass_obj
def command(context: Context, number: int | None) -> None:
    """List the key ceremonies and every later act on a key that one made; with NUMBER, print a transcript.

    The status is 1 when a transcript is not as it was written.
    """
    with AuthorityClient(context.home.authority_socket("operator")) as authority:
        held = authority.ceremonies()
        if number is not None:
            click.echo(authority.transcript(number), nl=False)
            held = [each for each in held if each.number == number]
    for each in held:
        if number is None:
            at = f"{each.held:%Y-%m-%d %H:%M} UTC"
            context.terminal.say("{number}  {at}  {name}", number=each.number, at=at, name=each.name)
            click.echo(f"   SHA-256 {each.sha256.hex()}")
        if not each.intact:
            context.terminal.warn("The transcript of the ceremony {name} is gone or was changed.", name=each.name)
    if not all(each.intact for each in held):
        raise click.exceptions.Exit(REFUSED)
