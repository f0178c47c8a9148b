"""``vermilion demo``: the main job on any PDF, headless, with its results in a directory."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import click

from appliance.cli.founding import found_home, sequencer_of
from appliance.cli.program import FILE, NEW_FOLDER, REFUSED, Context
from appliance.config import load
from appliance.confinement.pool import Confinement
from appliance.demonstration.new_home import TWO_HOUSES
from appliance.demonstration.participants import SAMPLE_PLACES, DemonstrationAuthenticators
from appliance.demonstration.sample import sample_contract
from appliance.demonstration.story import DemonstrationContract, DemonstrationRun, ResultFiles
from appliance.home import make_directory
from appliance.supervision import inherited, running_authority
from appliance.wiring import Appliance, open_appliance

SAMPLE_TITLE = "技术服务合同 SL-2026-0117"


@click.command("demo")
@click.option("--out", type=NEW_FOLDER, help="Where the results are written.")
@click.option("--contract", type=FILE, help="Any PDF, instead of the sample contract.")
@click.option("--sign", "waiting", metavar="ID", help="Sign this contract, which was sent, and do nothing else.")
@click.option("--code", "invited", metavar="ID", help="Print the codes of this contract's signers from outside.")
@click.pass_context
def demo_command(
    ctx: click.Context, out: Path | None, contract: Path | None, waiting: str | None, invited: str | None
) -> None:
    """Sign, timestamp, log, verify and export a contract of two companies, with two people and two company seals.

    Sets up a home and starts the authority where there is none, and ends what it started. With --sign, the
    demonstration's people sign a contract that waits for them in a home that `vermilion up` has made. With --code
    you see there what its initiator would tell signers from outside.
    """
    context: Context = ctx.obj
    for alone, run, refusal in (
        (waiting, _sign_waiting, "--sign takes no other option."),
        (invited, _tell_codes, "--code takes no other option."),
    ):
        if alone is None:
            continue
        if [out, contract, waiting, invited].count(None) < 3:
            raise click.UsageError(context.terminal.translated(refusal))
        run(context, alone)
        return
    if out is None:
        raise click.UsageError(context.terminal.translated("Say with --out where the results are written."))
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
        outcome = _story(context, appliance).run(script)
        results.write(outcome, trust=context.home.trust)
        passed = results.verify(appliance.verifier)
    ctx.exit(0 if passed else REFUSED)


def _sign_waiting(context: Context, contract_id: str) -> None:
    say, environment = context.terminal.say, inherited(os.environ)
    with (
        running_authority(context.home, say=say, environment=environment),
        Confinement(context.home.cache) as confinement,
        open_appliance(load(context.home), confinement=confinement) as appliance,
    ):
        _story(context, appliance).sign_waiting(contract_id)


def _tell_codes(context: Context, contract_id: str) -> None:
    with open_appliance(load(context.home)) as appliance:
        _story(context, appliance).tell_codes(contract_id)


def _story(context: Context, appliance: Appliance) -> DemonstrationRun:
    authenticators = DemonstrationAuthenticators(context.home)
    sequence = sequencer_of(appliance).run_once
    return DemonstrationRun(appliance, authenticators, sequence=sequence, say=context.terminal.say)


def _script(contract: Path | None) -> DemonstrationContract:
    if contract is None:
        return DemonstrationContract(sample_contract(), SAMPLE_TITLE, SAMPLE_PLACES)
    return DemonstrationContract(contract.read_bytes(), contract.stem or contract.name)
