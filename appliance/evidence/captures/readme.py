"""The README of a capture package, for people: in Chinese and in English, from the package's templates."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.evidence import commands
from appliance.evidence.captures import commands as capture_commands
from appliance.evidence.captures.model import CaptureEvidence
from appliance.evidence.extraction import CertificateStatus, statuses_of
from appliance.evidence.log_files import read_log_files
from appliance.evidence.readme import CheckSteps, fill_text, readme_path
from appliance.language import Language, instants
from appliance.language.characters import with_organisation
from appliance.typesetting.typesetter import page_template
from appliance.verification.trust import shown_name
from hsm.timestamp import parse_response, parse_token


def render_readme(evidence: CaptureEvidence, language: Language) -> bytes:
    """The text in UTF-8. Its first 1,024 bytes are the same in every package: ZIPs whose beginning holds a PDF's
    are refused, and an address may be called anything."""
    facts, created = evidence.facts, int(evidence.created.timestamp())
    statuses = _statuses(evidence)
    listed = ("manifest.json", "manifest.tsq", "manifest.tsr")
    text = page_template("appliance.evidence", f"templates/capture-{readme_path(language)}").render(
        address=fill_text(facts.address),
        shown="" if facts.page.address == facts.address else fill_text(facts.page.address),
        title=fill_text(facts.page.title),
        who=fill_text(with_organisation(facts.by.name, facts.by.organisation)),
        operator=fill_text(facts.operator),
        purpose=fill_text(facts.by.purpose),
        capture=facts.capture,
        audience=fill_text(evidence.audience),
        began=instants.exact(facts.began, facts.zone),
        ended=instants.exact(facts.ended, facts.zone),
        log_in=facts.log_in,
        logged_in="" if facts.log_in is None else instants.exact(facts.log_in.ended, facts.zone),
        stamped=instants.exact(parse_token(parse_response(evidence.exchange.reply)).gen_time, facts.zone),
        created=instants.exact(evidence.created, facts.zone),
        session=any(each.picture for each in facts.steps) or bool(facts.recorded),
        root=_shown([commands.ROOT]),
        listing=_shown([commands.HASHES, capture_commands.UNLISTED]),
        manifest=_shown([*commands.manifest(created), *commands.reply(*listed, created)]),
        renewals=_shown(capture_commands.RENEWALS),
        dated=_shown(capture_commands.dated(evidence)),
        replayed=_shown(capture_commands.replayed(evidence)),
        files=_shown(capture_commands.FILES),
        certificates=_shown(
            command for each in statuses if not each.revoked_later for command in commands.of_certificate(each)
        ),
        revoked=[_revoked(each, facts.zone) for each in statuses if each.revoked_later],
        checkpoint=_shown([*commands.CHECKPOINT, commands.checkpoint_token(created)]),
        witnessed=bool(evidence.log.policy),
        entry=evidence.log.entries[-1].index,
        origin=read_log_files(evidence.log.checkpoint, evidence.log.vkey).state.origin,
        logged=_shown(capture_commands.logged(evidence)),
        inclusion=_shown([commands.inclusion(evidence.log)]),
    )
    return text.encode()


def _statuses(evidence: CaptureEvidence) -> tuple[CertificateStatus, ...]:
    """Of our services, which have acted until the package was made."""
    services = [*evidence.stampers(), ("evidence", evidence.certificates.evidence)]
    return statuses_of(evidence.certificates, ((name, each, evidence.created) for name, each in services))


def _revoked(status: CertificateStatus, zone: str) -> CheckSteps:
    since = min(entry.harmful for entry in status.revoked)
    return CheckSteps(
        name=status.name,
        title=instants.exact(since, zone),
        who=fill_text(shown_name(status.certificate)),
        at=instants.exact(status.acted, zone),
        commands=_shown(commands.of_certificate(status)),
    )


def _shown(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(commands.indented(command) for command in given)
