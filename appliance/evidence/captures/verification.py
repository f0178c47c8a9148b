"""Judging the package of a web capture, whose container and list of files hold already.

1. exactly the files of its layout are there;
2. the manifest is signed and dated (:mod:`appliance.evidence.manifest_signature`);
3. the log's checkpoint is the one that the manifest names, signed by the log, and dated; the one entry is in it;
4. the entry is that of this capture, and what opens it is what it commits to;
5. the entry names the facts and the WARC, the facts name all files that the capture gave, each with its size and
   digest, and the capture of the manifest;
6. the WARC was timestamped first: by the reply that answers its query, with the serial number that the entry
   names, after the capture had ended, before the entry was written, and that before the manifest was timestamped;
   the capture took no more than an hour, and was timestamped within another;
7. certificates are trusted and not revoked when they were used, by lists that counted when the manifest was dated;
8. the address, the title and the name that were logged are those of the facts;
9. the WACZ shows that WARC and nothing else (:mod:`appliance.evidence.captures.archive`);
10. renewed timestamps, where there are any, follow one another, each over what it covers, and bring revocation
   lists that counted at their time (:mod:`appliance.evidence.captures.renewals`): then the manifest is judged as
   of the first of them.

This shows that the house had these bytes at that time, and that nothing was changed since. That a server sent
them, and to whom, the house alone says: TLS proves it to nobody else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from appliance.evidence import log_files, manifest, manifest_signature
from appliance.evidence.captures import facts as capture_facts
from appliance.evidence.captures import layout
from appliance.evidence.captures.archive import require_archive
from appliance.evidence.captures.facts import NOT_PROMPT, CaptureFacts, is_prompt
from appliance.evidence.captures.remarks import remarks_beside, remarks_on_renewals
from appliance.evidence.captures.renewals import judge_renewals, times_of_renewals
from appliance.evidence.contents import in_seconds
from appliance.evidence.history import PackageEvent, events
from appliance.evidence.judging import (
    SINCE,
    PackageJudgement,
    held_against,
    judge_checkpoint,
    judge_lists,
    judge_programs,
    judge_reply,
    not_judged,
)
from appliance.evidence.layout import require_capture_layout
from appliance.evidence.log_files import require_logged
from appliance.evidence.manifest import CaptureManifest
from appliance.evidence.manifest_signature import PackageTrust
from appliance.evidence.model import Files, PackageRefused, part
from appliance.evidence.readme import readme_path
from appliance.evidence.witnessing import WitnessDemand, judge_witnesses
from appliance.language import Language
from appliance.ledger.audit_trail import EventKind
from appliance.verification import Indication, SignatureReport, VerificationReport
from hsm import canonical, cms, timestamp
from hsm.manifests import RENEWALS
from hsm.timestamp import TimestampInfo

_READ: Final = (*map(layout.certificate_path, Language), *map(readme_path, Language))
"""What people read, and nothing is held to."""
_EXCHANGE: Final = layout.WARC_QUERY, layout.WARC_REPLY
_OPENED: Final = frozenset({"address", "name", "title"})


def judge_capture(
    files: Files, listed: CaptureManifest, trust: PackageTrust, witnesses: WitnessDemand | None
) -> PackageJudgement:
    """The reports and remarks on the package. Raises :class:`PackageRefused`, or the error of the part that found
    it, for what does not fit together."""
    beside = {path for path in files if path.startswith(RENEWALS)}
    require_capture_layout(set(files) - manifest.SEALS - beside)
    renewals, covered = judge_renewals(files, trust)
    seal = manifest_signature.examine(files, covered)
    if seal.verdict.indication is Indication.FAILED:
        return PackageJudgement((seal,), ())
    entry = _require_entry(files, listed)
    facts = _require_facts(files, listed, entry)
    require_archive(files, facts)
    dated = _dated(files, trust, seal)
    _require_order(files, entry, facts)
    checkpoint = _as_covered(partial(judge_checkpoint, files), trust, seal)
    witnessed = judge_witnesses(files, witnesses)
    reports = (
        *(*judge_programs(files), dated, seal),
        *held_against(log_files.CHECKPOINT_STAMP, checkpoint),
        *(*renewals, *witnessed.reports),
        *judge_lists(files, trust, _token(files, manifest.REPLY).gen_time),
    )
    judged = PackageJudgement(reports, ())
    remarks = remarks_beside(judged.verdict, facts, dated, witnessed.remarks)
    renewed = remarks_on_renewals(seal, renewals)
    return PackageJudgement(reports, (*not_judged(files, _READ), *remarks, *renewed))


def _require_entry(files: Files, listed: CaptureManifest) -> PackageEvent:
    """Steps 3 and 4; the layout has exactly one entry."""
    [logged] = require_logged(files, listed)
    [event] = events([logged])
    leaf = canonical.decode(logged.leaf)
    if event.kind != EventKind.PAGE_CAPTURED or event.public.get("capture") != listed.capture:
        raise PackageRefused("The log entry {entry} is not that of this capture.", entry=logged.index)
    if set(logged.opening) != _OPENED or set(leaf["commitments"]) != _OPENED:
        raise PackageRefused("What opens log entry {entry} is not all that it commits to.", entry=logged.index)
    return event


def _require_facts(files: Files, listed: CaptureManifest, entry: PackageEvent) -> CaptureFacts:
    """Steps 5 and 8."""
    for name, path in (("facts", layout.FACTS), ("warc", layout.WARC)):
        if entry.public.get(name) != hashlib.sha256(files[path]).hexdigest():
            raise PackageRefused("The file {path} is not the one that the log has.", path=path)
    facts = capture_facts.decode(files[layout.FACTS])
    if facts.capture != listed.capture:
        raise PackageRefused("The facts in the package are about another capture than its manifest.")
    given = {path: files[path] for path in files if layout.is_from_capture(path)}
    if facts.files != manifest.listing(given):
        raise PackageRefused("The files of the capture are not those of which its facts tell.")
    if entry.private["address"] != facts.address:
        raise PackageRefused("The log has another address than the facts of the capture.")
    if (entry.private["title"], entry.private["name"]) != (facts.page.title, facts.by.name):
        raise PackageRefused("The log has another title or another name than the facts of the capture.")
    return facts


def _dated(files: Files, trust: PackageTrust, seal: SignatureReport) -> SignatureReport:
    """On the WARC's timestamp."""
    warc = bytes(files[layout.WARC])
    token = timestamp.parse_response(part(files, layout.WARC_REPLY))
    if not trust.carried.issuperset(cms.parse(token).certificates):
        raise PackageRefused(
            "The timestamp of {path} carries a certificate that is not of the package.", path=layout.WARC
        )
    report = _as_covered(partial(judge_reply, files, _EXCHANGE, warc), trust, seal)
    if len(report.signatures) == 1:
        only = report.signatures[0]
        return replace(only, field=layout.WARC_REPLY, verdict=report.verdict, document_timestamp=True)
    return SignatureReport(layout.WARC_REPLY, report.verdict)


def _as_covered(
    judge: Callable[[PackageTrust], VerificationReport], trust: PackageTrust, seal: SignatureReport
) -> VerificationReport:
    """On a timestamp that the manifest covers by its digest: where its certificate has run out or was revoked
    since, as of the timestamp of the manifest, if that holds."""
    report = judge(trust)
    if report.verdict.subindication in SINCE and seal.passed and seal.timestamp is not None:
        return judge(replace(trust, at=seal.timestamp))
    return report


def _require_order(files: Files, entry: PackageEvent, facts: CaptureFacts) -> None:
    """Step 6, in whole seconds, as the log has them; and that renewals follow one another."""
    stamp = _token(files, layout.WARC_REPLY)
    if entry.public.get("serial") != f"{stamp.serial:x}":
        raise PackageRefused("The log has another timestamp of {path} than the package.", path=layout.WARC)
    sealed = _token(files, manifest.REPLY).gen_time
    moments = [in_seconds(each) for each in (facts.ended, stamp.gen_time, entry.at, sealed)]
    if moments != sorted(moments):
        raise PackageRefused(
            "The times in the package contradict each other: the end of the capture, the timestamp of {path}, the"
            " log entry and the timestamp of the manifest do not follow one another.",
            path=layout.WARC,
        )
    if not is_prompt(facts, stamp.gen_time):
        raise PackageRefused(NOT_PROMPT, path=layout.WARC)
    later = [in_seconds(each) for each in (sealed, *times_of_renewals(files))]
    if later != sorted(later):
        raise PackageRefused("The renewed timestamps in the package do not follow one another.")


def _token(files: Files, path: str) -> TimestampInfo:
    return timestamp.parse_token(timestamp.parse_response(part(files, path)))
