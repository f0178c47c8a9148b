"""``vermilion witness``: a witness of other machines' logs (C2SP tlog-witness), on a machine of its own."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.cli.program import FILE, Context
from appliance.errors import ConfigurationError
from appliance.witnesses.cosigning import SubmissionRefused
from appliance.witnesses.serving import open_witness, serve
from hsm.errors import Malformed
from hsm.note import with_signatures

_SETTINGS = click.option(
    "--settings",
    "settings",
    type=FILE,
    default=Path("/etc/vermilion/witness.toml"),
    show_default=True,
    help="The settings of the witness: name, directory, logs, listen.",
)


@click.group("witness")
def witness_group() -> None:
    """Be an outside witness of the logs of other machines."""


@witness_group.command("serve")
@_SETTINGS
def serve_command(settings: Path) -> None:
    """Answer logs over HTTP until SIGTERM, on the loopback interface behind a web server with TLS."""
    serve(settings)


@witness_group.command("status")
@_SETTINGS
@click.pass_obj
def status(context: Context, settings: Path) -> None:
    """Print the key of this witness, and of each log the last size that it cosigned; the first time, make the
    key."""
    witness = open_witness(settings)
    click.echo(witness.key.vkey())
    for origin, state in witness.states().items():
        context.terminal.say("{origin}  size {size}", origin=origin, size=state.size if state else 0)


@witness_group.command("cosign")
@click.argument("checkpoint", type=FILE)
@click.option(
    "--proof", type=FILE, help="The old size and the consistency proof, where CHECKPOINT is the note alone."
)
@_SETTINGS
def cosign(checkpoint: Path, proof: Path | None, settings: Path) -> None:
    """Cosign CHECKPOINT, a file of `vermilion log submission`, on a machine without a network.

    Prints the note with the cosignature, for `vermilion log cosignatures`. What was cosigned is remembered, as by
    `serve`.
    """
    body = checkpoint.read_bytes()
    if proof is not None:
        body = proof.read_bytes().rstrip(b"\n") + b"\n\n" + body
    try:
        signature = open_witness(settings).add_checkpoint(body)
        click.echo(with_signatures(body.partition(b"\n\n")[2], [signature]), nl=False)
    except SubmissionRefused as refusal:
        if refusal.size is None:
            raise
        raise ConfigurationError(
            "This witness cosigned the size {size} last: make the file by"
            " `vermilion log submission --from {size}`.",
            size=refusal.size,
        ) from refusal
    except Malformed as error:
        raise ConfigurationError(error.template, **error.values) from error
