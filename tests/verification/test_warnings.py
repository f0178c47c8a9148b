"""What is odd in a signature and changes no verdict is said: in the report for people, its text and its JSON."""

from __future__ import annotations

import pytest
from pyhanko.sign.fields import SigFieldSpec

from appliance.cli.verdict import as_text
from appliance.language import Language
from appliance.verification import Changes, Indication, SubIndication, VerificationReport, messages
from appliance.verification.report import render_html
from hsm import der
from tests.attacks import field_messages
from tests.attacks.judging import in_process
from tests.attacks.recipes import Recipe
from tests.attacks.registry import Attempt, attacks
from tests.attacks.timestamps import DATA, token
from tests.attacks.victims import GOOD
from tests.attacks.writing import signed_by_hand
from tests.verification.authorities import Profile, World, issue
from tests.verification.conftest import Verify
from tests.verification.documents import Signing, plain, sign, with_fields


def judged(document: bytes) -> VerificationReport:
    return in_process(Attempt(document))


def test_a_warning_is_in_every_form_of_the_report_and_once() -> None:
    report = judged(signed_by_hand(Recipe(attributes=field_messages.under_policy(*field_messages.EXPLICIT))))
    assert report.indication is Indication.PASSED
    signature = report.signatures[0]
    assert signature.policy == "1.2.3.4.5"
    warning = str(signature.warnings[0])
    told = signature.to_json()
    assert told["warnings"] == [warning]
    assert told["policy"] == "1.2.3.4.5"
    assert as_text(report, Language.ENGLISH).count(warning) == 1
    page = render_html(report, Language.ENGLISH).split("Raw data")[0]
    assert page.count(warning) == 1


def test_what_is_not_odd_has_no_warnings() -> None:
    told = judged(signed_by_hand(Recipe())).signatures[0].to_json()
    assert not {"warnings", "policy"} & told.keys()


def test_each_of_several_signers_is_named() -> None:
    report = in_process(attacks()["leniency in messages: two good signers"].attempt())
    names = {report.signatures[0].signer or ""} | {
        str(warning.values["name"]) for warning in report.signatures[0].warnings if "name" in warning.values
    }
    assert {name.split("（")[0] for name in names} == {"张示例", "李样本"}


def test_a_token_older_than_its_certificate_proves_nothing() -> None:
    report = judged(field_messages.dated_by(field_messages.LATE_TSA))
    signature = report.signatures[0]
    assert (signature.timestamp, signature.level) == (None, "B-B")
    assert signature.stamps[0].verdict.indication is Indication.INDETERMINATE
    alone = in_process(Attempt(token(DATA, tsa=field_messages.LATE_TSA), data=DATA))
    assert alone.verdict.subindication is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_a_digest_that_is_not_known_is_undecided_and_one_that_was_exchanged_has_failed() -> None:
    unknown = der.oid("2.16.840.1.101.3.4.2.11")
    good = Recipe()(b"")
    known = der.oid("2.16.840.1.101.3.4.2.1")
    with pytest.raises(messages.UnknownAlgorithm) as everywhere:
        messages.read_message(good.replace(known, unknown))
    assert everywhere.value.verdict.indication is Indication.INDETERMINATE
    with pytest.raises(messages.UnreadableMessage) as once:
        messages.read_message(good.replace(known, unknown, 1))
    assert once.value.verdict.indication is Indication.FAILED


def test_responses_among_the_lists_count() -> None:
    """RFC 5940: so the certificate is known to be good without a list."""
    document = signed_by_hand(field_messages.with_lists(field_messages.ocsp_in_message(), version=5), room=16000)
    report = in_process(Attempt(document, trust=(GOOD.issuing,)))
    row = next(row for row in report.signatures[0].rows if row.subject == "revocation")
    assert str(row.sentence).startswith("Not revoked")


def test_a_later_signature_of_a_stranger_is_named_as_what_came_after(good: World, verify: Verify) -> None:
    stranger = issue(Profile("stranger"))
    place = SigFieldSpec("two", on_page=0, box=(320, 72, 520, 132))
    first = sign(with_fields(plain(1), "one"), Signing("one", good.signer, [good.issuing]))
    report = verify(sign(first, Signing("two", stranger, [], new_field=place)))
    assert report.signatures[0].changes is Changes.UNEXPLAINED
    said = as_text(report, Language.ENGLISH)
    assert "Changes since: A visible signature was added after signing, and it does not pass itself." in said
    assert "cannot be explained" not in said


def test_of_other_bytes_than_were_signed_it_is_not_said_that_nothing_changed(good: World, verify: Verify) -> None:
    document = sign(with_fields(plain(1), "one"), Signing("one", good.signer, [good.issuing]))
    report = verify(document.replace(b"/Creator (anonymous)", b"/Creator (anonymouz)", 1))
    assert report.verdict.subindication is SubIndication.HASH_FAILURE
    assert "Nothing was changed" not in as_text(report, Language.ENGLISH)


def test_the_text_says_what_to_do(good: World, verify: Verify) -> None:
    stranger = issue(Profile("stranger"))
    report = verify(sign(with_fields(plain(1), "one"), Signing("one", stranger, [])))
    said = as_text(report, Language.ENGLISH)
    assert "What to do: Get the certificate of the authority by a way that you trust" in said
