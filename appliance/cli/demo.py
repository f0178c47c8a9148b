"""``vermilion demo``: the main job on any PDF, headless, with its results in a directory."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import click

from appliance.cli.founding import found_home
from appliance.cli.program import FILE, NEW_FOLDER, REFUSED, Context
from appliance.config import load
from appliance.confinement.pool import Confinement
from appliance.demonstration.new_home import TWO_HOUSES
from appliance.demonstration.participants import SAMPLE_PLACES, DemonstrationAuthenticators
from appliance.demonstration.sample import sample_contract
from appliance.demonstration.story import DemonstrationContract, DemonstrationRun, ResultFiles
from appliance.home import make_directory
from appliance.ledger import Sequencer
from appliance.supervision import inherited, running_authority
from appliance.wiring import Appliance, open_appliance
from hsm.client import AuthorityClient

SAMPLE_TITLE = "技术服务合同 SL-2026-0117"


@click.command("demo")
@click.option("--out", required=True, type=NEW_FOLDER, help="Where the results are written.")
@click.option("--contract", type=FILE, help="Any PDF, instead of the sample contract.")
@click.pass_context
def demo_command(ctx: click.Context, out: Path, contract: Path | None) -> None:
    """Sign, timestamp, log, verify and export a contract of two companies, with two people and two company seals.

    Sets up a home and starts the authority where there is none, and ends what it started.
    """
    context: Context = ctx.obj
    say, environment = context.terminal.say, inherited(os.environ)
    script = _script(contract)
    results = ResultFiles(out, language=context.terminal.language, say=say)
    results.begin(script.document)
    make_directory(context.home.root)
    with ExitStack() as stack:
        confinement = stack.enter_context(Confinement(context.home.cache))  # gets ready during the founding
        found_home(context.home, say=say, environment=environment, wanted=TWO_HOUSES)
        stack.enter_context(running_authority(context.home, say=say, environment=environment))
        appliance = stack.enter_context(open_appliance(load(context.home), confinement=confinement))
        story = DemonstrationRun(
            appliance,
            DemonstrationAuthenticators(context.home),
            sequence=_sequencer(appliance).run_once,
            say=say,
        )
        outcome = story.run(script)
        results.write(outcome, trust=context.home.trust)
        passed = results.verify(appliance.verifier)
    ctx.exit(0 if passed else REFUSED)


def _sequencer(appliance: Appliance) -> Sequencer:
    """A sequencer as the scheduler's: the portal's role may not ask for checkpoints."""
    socket = appliance.settings.home.authority_socket("scheduler")
    return Sequencer(appliance.database, AuthorityClient(socket))


def _script(contract: Path | None) -> DemonstrationContract:
    if contract is None:
        return DemonstrationContract(sample_contract(), SAMPLE_TITLE, SAMPLE_PLACES)
    return DemonstrationContract(contract.read_bytes(), contract.stem or contract.name)
