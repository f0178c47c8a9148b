"""Where a fault has to show, and what there: asked of what people and programs really get."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result
from prometheus_client.parser import text_string_to_metric_families

from appliance.cli import main
from appliance.health import Condition, HealthFinding, Observed, RunbookPage
from appliance.health.surveys import CHECKS, TITLES, diagnose
from appliance.language import Language, translator
from tests.health.station import Station
from tests.language.sentences import ROOT

SERVING = {check.name for check in CHECKS if check.serving}
AT_ONCE = {check.name for check in CHECKS if check.at_once}
TAKES_EFFECT_LATER = {"hsm", "web"}
"""The authority asks its token every two seconds, and a worker may be silent for some."""

RUNBOOK = ROOT / "docs/runbook"


def require_shown(station: Station, name: str, page: RunbookPage) -> None:
    """Everywhere, with the right remedy: in the first round that finds it (or, at the worst, in the next), and as
    an alarm in the one after it. What that comes to is in `test_faults.py`."""
    rounds = station.look_until(lambda: wrong(station, name) is page)
    assert rounds <= 2 or name in TAKES_EFFECT_LATER
    station.look()  # what two rounds in a row found is an alarm
    observed = seen(station, name)
    finding = observed.finding
    assert finding.remedy.template == page.remedy
    _on_the_console(station, observed, page)
    _in_readyz(station, finding)
    _in_the_metrics(station, finding)
    _in_diagnose(station, finding)
    _as_an_alarm(station, finding)


def require_over(station: Station, name: str) -> None:
    """It is told that it is over, and the console is calm again."""
    station.look_until(lambda: wrong(station, name) is None)
    assert station.hook.events(name)[-1]["type"] == "alarm.over"
    assert station.onlooker.row(name, "en").kind == "calm"


def seen(station: Station, name: str) -> Observed:
    """What the health monitor found of the thing called *name*."""
    (found,) = [each for each in station.observations.survey(station.now()).observed if each.finding.name == name]
    return found


def wrong(station: Station, name: str) -> RunbookPage | None:
    """The page of the finding *name* while it fails, as the health monitor found it."""
    observed = {each.finding.name: each.finding for each in station.observations.survey(station.now()).observed}
    found = observed.get(name)
    return found.page if found is not None and found.condition is Condition.FAILING else None


def conditions(station: Station) -> dict[str, Condition]:
    """How everything stands, by name."""
    return {
        each.finding.name: each.finding.condition for each in station.observations.survey(station.now()).observed
    }


def command(station: Station, *arguments: str) -> Result:
    """What ``vermilion`` does with *arguments*."""
    return CliRunner().invoke(main, ["--home", str(station.home.root), *arguments])


def _on_the_console(station: Station, observed: Observed, page: RunbookPage) -> None:
    """In the page that the console serves to an administrator who is signed in, in both languages."""
    finding = observed.finding
    for language in Language:
        say = translator(language)
        row = station.onlooker.row(finding.name, language.value)
        remedy = say(page.remedy, **finding.values)
        assert (row.kind, row.title, row.badge) == ("failing", say(TITLES[finding.name]), say("Failing"))
        assert row.sentence == _set(say(finding.template, **finding.values))
        assert row.remedy == _set(f"{say('What to do')} {remedy} {say('Runbook')}")
        assert row.since == observed.since
        suffix = ".zh.md" if language is Language.CHINESE else ".md"
        title = (RUNBOOK / f"{page}{suffix}").read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        assert station.onlooker.heading(row.runbook) == title


def _set(sentence: str) -> str:
    """As the page sets it: commands without their backquotes."""
    return " ".join(sentence.replace("`", "").split())


def _in_readyz(station: Station, finding: HealthFinding) -> None:
    """The portal's, which asks some things anew and may say them in other words; and the console's."""
    status, body = station.readyz()
    assert body["failing"][finding.name] == str(finding) or finding.name in AT_ONCE
    serving = finding.name in SERVING
    assert (status, body["ready"]) == ((503, False) if serving else (200, True))
    status, body = station.console_readyz()
    assert body["failing"][finding.name] == str(finding)
    assert status == 503 or not serving


def _in_the_metrics(station: Station, finding: HealthFinding) -> None:
    """As Prometheus' own parser reads what the console serves."""
    families = text_string_to_metric_families(station.onlooker.text("/metrics"))
    labels = {"check": finding.name}
    (value,) = [
        sample.value
        for family in families
        for sample in family.samples
        if (sample.name, sample.labels) == ("vermilion_condition", labels)
    ]
    assert value == Condition.FAILING.rank


def _in_diagnose(station: Station, finding: HealthFinding) -> None:
    """As the command tells it; its workflow alone where the test's time is another than the machine's."""
    if station.ahead:
        told = {each.finding.name: each.finding for each in diagnose(station.home, station.now())}
        assert (told[finding.name].page, told[finding.name].advice) == (finding.page, finding.advice)
        return
    done = command(station, "diagnose", "--json")
    row = {each["name"]: each for each in json.loads(done.stdout)["findings"]}[finding.name]
    assert done.exit_code == 1
    assert (row["condition"], row["page"], row["remedy"]) == ("failing", finding.page, finding.advice)


def _as_an_alarm(station: Station, finding: HealthFinding) -> None:
    """By webhook, and by mail unless it is the mail that is down."""
    alarm = next(each for each in reversed(station.hook.events(finding.name)) if each["type"] == "alarm.begun")
    assert (alarm["data"]["page"], alarm["data"]["remedy"]) == (finding.page, finding.advice)
    if finding.name == "mail":
        return
    subject = f"Failing: {TITLES[finding.name]} ({station.settings.organisation.name})"
    (mail, *_) = [each for each in reversed(station.post.messages) if each["Subject"] == subject]
    body = mail.get_body(("plain",))
    assert body is not None and f"What to do: {finding.advice}" in body.get_content()
