"""The README of a capture package, for people: in Chinese and in English, from the package's templates; and the
commands that it alone has, in the manner of :mod:`appliance.evidence.commands`: each stands alone, writes nothing,
and ends with status 0 exactly when what it checks holds.

They take JSON apart with sed. What strangers wrote stands in it with its quotation marks escaped, so that it
cannot pose as a name or a value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from appliance.evidence import commands, log_files
from appliance.evidence.captures import layout
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
        listing=_shown([commands.HASHES, UNLISTED]),
        manifest=_shown([*commands.manifest(created), *commands.reply(*listed, created)]),
        renewals=_shown(RENEWALS),
        dated=_shown(dated(evidence)),
        replayed=_shown(replayed(evidence)),
        files=_shown(FILES),
        certificates=_shown(
            command for each in statuses if not each.revoked_later for command in commands.of_certificate(each)
        ),
        revoked=[_revoked(each, facts.zone) for each in statuses if each.revoked_later],
        checkpoint=_shown([*commands.CHECKPOINT, commands.checkpoint_token(created)]),
        witnessed=bool(evidence.log.policy),
        entry=evidence.log.entries[-1].index,
        origin=read_log_files(evidence.log.checkpoint, evidence.log.vkey).state.origin,
        logged=_shown(logged(evidence)),
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


_MORE: Final = " \\\n"
"""The command goes on in the next line."""
_LISTED: Final = (
    f"tr '{{' '\\n' < {layout.FACTS} | "
    r"""sed -n 's/^"path":"\([^"]*\)","sha256":"\([0-9a-f]*\)".*/\2 \1/p'"""
)
_NUMBER: Final = r"""sed -n 's/.*"capture":"\([0-9a-f]\{24\}\)".*/\1/p'"""
_OPENED: Final = r"""sed 's/^{"address":{\("salt":"[0-9a-f]*","value":".*"}\),"name":{"salt":.*/\1/'"""
_OPENED_VALUE: Final = r"""sed 's/^{"address":{"salt":"[0-9a-f]*","value":\(".*"\)},"name":{"salt":.*/\1/'"""
_ADDRESS: Final = r"""sed 's/^{"address":\(".*"\),"began":".*/\1/'"""
_SERIAL: Final = "sed -n 's/^Serial number: 0x0*//p' | tr A-F a-f"

FILES: Final = (
    f"{_LISTED} | grep '{layout.WARC}$'",
    f"{_LISTED} |{_MORE}"
    'while read -r hash path; do test "$(openssl dgst -sha256 -r "$path" | cut -c1-64)" = "$hash" || exit 1; done',
)
"""The facts list the WARC file, and the files are those that they list."""

UNLISTED: Final = commands.UNLISTED.replace("'s|^[.]/||'", r"""'s|^[.]/||; \|^renewals/[0-9][0-9][.][a-z.]*$|d'""")
"""No file is there that the manifest does not list, but for renewed timestamps, which come later."""

_EACH_RENEWAL: Final = 'for each in renewals/*.txt; do test ! -e "$each" ||' + _MORE
RENEWALS: Final = (
    "cat renewals/*.txt 2> /dev/null |" + _MORE + commands.SAME_DIGESTS,
    f'{_EACH_RENEWAL}openssl ts -verify -data "$each" -in "${{each%.txt}}.tsr" -no_check_time{_MORE}'
    '-CAfile certificates/ca.pem -untrusted "${each%.txt}.pem" || exit 1; done',
    f"{_EACH_RENEWAL}(openssl ts -reply -in \"${{each%.txt}}.tsr\" -text | grep 'Time stamp:';{_MORE}"
    'openssl x509 -in "${each%.txt}.pem" -noout -enddate) || exit 1; done',
)
"""The renewed timestamps, where there are any: what each covers is that, each holds, and, for people, its time and
until when its certificate is valid."""


def dated(evidence: CaptureEvidence) -> tuple[str, ...]:
    """The reply dates the WARC and answers the query; then the time that it says, for people."""
    at = parse_token(parse_response(evidence.exchange.reply)).gen_time
    checked = commands.reply(layout.WARC, layout.WARC_QUERY, layout.WARC_REPLY, int(at.timestamp()))
    return *checked, f"openssl ts -reply -in {layout.WARC_REPLY} -text | grep 'Time stamp:'"


def replayed(evidence: CaptureEvidence) -> tuple[str, ...]:
    """The same WARC stands in the WACZ; none for one in which it is not found as it is."""
    warc = evidence.files[layout.WARC]
    start = evidence.files[layout.WACZ].find(warc)
    if start < 0:
        return ()
    part = f"tail -c +{start + 1} {layout.WACZ} | head -c {len(warc)}"
    return (_same(f"{part} | openssl dgst -sha256 -r | cut -c1-64", _digest(layout.WARC)),)


def logged(evidence: CaptureEvidence) -> tuple[str, ...]:
    """The log's entry is that of this capture: its kind, number, facts, WARC and timestamp, and its address, which
    is in the entry as a commitment and in the opening as it is."""
    index = evidence.log.entries[-1].index
    entry, opening = log_files.entry_path(index), log_files.opening_path(index)
    committed = (
        f'(printf \'{{"name":"address",\'; {_OPENED} {opening}) |{_MORE}'
        "tr -d '\\n' | openssl dgst -sha256 -r | cut -c1-64"
    )
    return (
        f'grep -c \'"kind":"page-captured"\' {entry}',
        *(_same(f"{_NUMBER} {entry}", f"{_NUMBER} {path}") for path in ("manifest.json", layout.FACTS)),
        _same(_public("facts", entry), _digest(layout.FACTS)),
        _same(_public("warc", entry), _digest(layout.WARC)),
        _same(_public("serial", entry), f"openssl ts -reply -in {layout.WARC_REPLY} -text | {_SERIAL}"),
        _same(_public("address", entry), committed),
        _same(f"{_OPENED_VALUE} {opening}", f"{_ADDRESS} {layout.FACTS}"),
    )


def _same(one: str, other: str) -> str:
    """Two commands say the same."""
    return f'test "$({one})" ={_MORE}"$( {other})"'


def _public(name: str, entry: str) -> str:
    """A value of the log's entry: a number in hex, as all of them are that this is asked for."""
    return rf"""sed 's/.*"{name}":"\([0-9a-f]*\)".*/\1/' {entry}"""


def _digest(path: str) -> str:
    return f"openssl dgst -sha256 -r {path} | cut -c1-64"
