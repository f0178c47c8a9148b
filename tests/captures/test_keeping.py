"""How long captures are kept: files and words go, the log's entry stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.captures.retention import CaptureRetention
from appliance.config import MailSettings, Security
from appliance.demonstration.participants import CUSTODIAN, LI, ZHANG
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.language import Language
from appliance.model.accounts import AccountRole
from appliance.model.captures import CaptureState, OrderedCapture
from appliance.model.retention import DisposalState
from appliance.notices.delivery import OutboxDelivery
from appliance.notices.mail import MailClient
from appliance.store import captures, ledger, members, retention
from appliance.wiring import Appliance
from tests.appliance.notices.smtp import post_office
from tests.captures.conftest import Web, forget_all, now_of, ordered
from tests.captures.made import captured
from tests.portal.office_visits import account_of
from tests.world import World

WHO = ZHANG.subject
OFFICER, OTHER = LI.subject, CUSTODIAN.subject
"""Who is an officer, the page asks."""
WATCHER = "officer-wang"
AFTERWARDS = timedelta(days=31)


@pytest.fixture(autouse=True)
def nothing_before(appliance: Appliance) -> Iterator[None]:
    forget_all(appliance)
    yield


@pytest.fixture
def made(appliance: Appliance, web: Web, log: None) -> OrderedCapture:
    """A capture with its package."""
    waiting = ordered(appliance, web.address())
    assert appliance.capture_queue.run_next()
    assert appliance.capture_finishing.run_round() == 1
    return now_of(appliance, waiting)


def by_itself(appliance: Appliance) -> CaptureRetention:
    """Where policy does not ask officers."""
    policy = appliance.policy
    rules = replace(policy.default, retention=replace(policy.default.retention, captures_by_officers=False))
    retention = appliance.capture_retention
    return CaptureRetention(appliance.database, retention._settings, replace(policy, default=rules), appliance.now)


def test_after_its_term_a_capture_is_disposed_of(world: World, appliance: Appliance, made: OrderedCapture) -> None:
    assert made.record is not None
    digests = [each.digest for each in appliance.captures.files(made.id, by=WHO)]
    until = appliance.captures.keeps_until(made)
    assert until is not None
    assert made.ended is not None
    assert until - made.ended == timedelta(days=30)
    assert by_itself(appliance).dispose_due() == 0
    with world.opened(ahead=AFTERWARDS) as later:
        assert by_itself(later).dispose_due() >= 1
        assert by_itself(later).dispose_due() == 0
    gone = now_of(appliance, made)
    assert gone.state is CaptureState.DISPOSED
    assert {gone.address, gone.purpose} == {captures.GONE}
    assert appliance.captures.files(made.id, by=WHO) == []
    assert appliance.captures.facts(made.id, by=WHO) is None
    assert appliance.database.query(ledger.opening, made.record.entry) is None
    assert gone.record is not None
    assert gone.record.entry == made.record.entry
    with world.opened(ahead=AFTERWARDS + timedelta(hours=2)) as later:
        later.retention.remove_doomed_blobs()
    for digest in digests:
        with pytest.raises(NotFound):
            appliance.blobs.get(digest)


def test_the_owner_keeps_it_longer(world: World, appliance: Appliance, made: OrderedCapture) -> None:
    register = appliance.captures
    with pytest.raises(NotFound):
        register.hold(made.id, reason="（2026）示例民初 1 号", by=LI.subject)
    with pytest.raises(PreconditionRefused):
        register.hold(made.id, reason=" ", by=WHO)
    register.hold(made.id, reason="（2026）示例民初 1 号", by=WHO)
    with pytest.raises(StateRefused):
        register.hold(made.id, reason="again", by=WHO)
    held = now_of(appliance, made)
    assert (held.held, register.keeps_until(held)) == ("（2026）示例民初 1 号", None)
    with world.opened(ahead=AFTERWARDS) as later:
        by_itself(later).dispose_due()
    assert now_of(appliance, made).state is CaptureState.DONE
    register.release(made.id, by=WHO)
    with pytest.raises(StateRefused):
        register.release(made.id, by=WHO)
    with world.opened(ahead=AFTERWARDS) as later:
        by_itself(later).dispose_due()
    assert now_of(appliance, made).state is CaptureState.DISPOSED
    with pytest.raises(StateRefused):
        register.hold(made.id, reason="too late", by=WHO)


def test_files_of_captures_are_needed_until_then(appliance: Appliance, made: OrderedCapture) -> None:
    """Neither the sweep of ownerless bytes nor a backup leaves them out."""
    with appliance.database.reading() as tx:
        every = set(retention.needed(tx))
        for each in captures.files_of(tx, made.id):
            assert retention.is_needed(tx, each.digest)
            assert each.digest in every


def told_of_due(which: Appliance) -> int:
    """How many notices of captures whose term is over are in the list of :data:`WATCHER`."""
    found = which.reminders.inbox.list_entries(WATCHER, Language.CHINESE)
    return [each.title for each in found].count("有网页取证已到保存期限，待登记员处理")


def test_officers_are_told_of_what_is_due_once_a_day_until_they_have_decided(
    world: World, appliance: Appliance, made: OrderedCapture
) -> None:
    account_of(appliance, WATCHER, frozenset({AccountRole.OFFICER}))

    assert appliance.capture_retention.tell_officers() == 0
    assert by_itself(appliance).tell_officers() == 0
    with world.opened(ahead=AFTERWARDS) as later:
        assert by_itself(later).tell_officers() == 0
        everybody = later.capture_retention.tell_officers()
        assert everybody == len(later.database.query(members.officers)) >= 1
        assert later.capture_retention.tell_officers() == 0
        assert told_of_due(later) == 1
    with world.opened(ahead=AFTERWARDS + timedelta(days=2)) as later:
        assert later.capture_retention.tell_officers() == 0, "nothing more came due"
    another = captured(appliance, WHO)
    with appliance.database.transaction() as tx:
        tx.update("captures", {"ended": appliance.now() + timedelta(days=2)}, id=another.id)
    with world.opened(ahead=AFTERWARDS + timedelta(days=3)) as later:
        assert later.capture_retention.tell_officers() == everybody
        for each in later.capture_retention.list_due():
            later.capture_retention.place_hold(each.id, reason="诉讼", by=OFFICER)
        assert told_of_due(later) == 0


def test_officers_are_told_anew_of_what_nobody_holds_any_more(
    world: World, appliance: Appliance, made: OrderedCapture
) -> None:
    """A hold of officers and one of whoever ordered it: the day after it is lifted, and once."""
    another = captured(appliance, WHO)
    for number, capture in enumerate((made, another)):
        with world.opened(ahead=AFTERWARDS + timedelta(days=10 + 4 * number)) as later:
            everybody = len(later.database.query(members.officers))
            later.capture_retention.tell_officers()
            if capture is made:
                later.capture_retention.place_hold(capture.id, reason="诉讼", by=OFFICER)
            else:
                later.captures.hold(capture.id, reason="还要用", by=WHO)
        with world.opened(ahead=AFTERWARDS + timedelta(days=12 + 4 * number)) as later:
            assert later.capture_retention.tell_officers() == 0, "nothing came due"
            if capture is made:
                later.capture_retention.lift_hold(capture.id, reason="结案", by=OFFICER)
            else:
                later.captures.release(capture.id, by=WHO)
            assert later.capture_retention.tell_officers() == everybody
            assert later.capture_retention.tell_officers() == 0
        with world.opened(ahead=AFTERWARDS + timedelta(days=13 + 4 * number)) as later:
            assert later.capture_retention.tell_officers() == 0


def test_a_lifted_hold_leaves_messages_about_other_captures_as_they_are(
    world: World, appliance: Appliance, made: OrderedCapture
) -> None:
    """One that could not be sent yet goes out, and stays in the list while anything is due."""
    account_of(appliance, WATCHER, frozenset({AccountRole.OFFICER}))
    another = captured(appliance, WHO)
    with appliance.database.transaction() as tx:
        tx.update("captures", {"ended": appliance.now() + timedelta(days=25)}, id=another.id)
    with world.opened(ahead=AFTERWARDS + timedelta(days=30)) as later, post_office() as post:
        later.capture_retention.place_hold(made.id, reason="诉讼", by=OFFICER)
        assert later.capture_retention.tell_officers() > 0
        told = told_of_due(later)
        waiting = ids_of_waiting(later)
        assert told > 0 and waiting
        later.capture_retention.lift_hold(made.id, reason="结案", by=OFFICER)
        assert (told_of_due(later), ids_of_waiting(later)) == (told, waiting)
        settings = MailSettings(host="127.0.0.1", port=post.port, security=Security.NONE)
        delivery = OutboxDelivery(
            later.database,
            MailClient(settings, None),
            later.reminders.mails,
            addresses=later.addresses,
            issuer="甲公司示例有限公司",
            now=later.now,
        )
        while delivery.deliver_due():
            pass
        assert waiting <= {str(each["Message-ID"]) for each in post.messages}
        for each in later.capture_retention.list_due():
            later.capture_retention.place_hold(each.id, reason="诉讼", by=OFFICER)


def ids_of_waiting(which: Appliance) -> set[str]:
    """The Message-IDs of mails to :data:`WATCHER` about captures that are due."""
    query = "SELECT message_id FROM outbox WHERE recipient = ? AND kind = 'captures-due' AND state = 'queued'"
    with which.database.reading() as tx:
        return set(tx.column(str, query, (WATCHER,)))


def test_nobody_is_told_of_what_is_proposed_already(
    world: World, appliance: Appliance, made: OrderedCapture
) -> None:
    account_of(appliance, WATCHER, frozenset({AccountRole.OFFICER}))
    with world.opened(ahead=AFTERWARDS + timedelta(days=20)) as later:
        later.capture_retention.tell_officers()
        assert told_of_due(later) > 0
        for each in later.capture_retention.list_due():
            later.capture_retention.propose_disposal(each.id, reason="期满", by=OFFICER)
        assert told_of_due(later) == 0
        later.capture_retention.refuse_disposal(made.id, reason="还要用", by=WATCHER)
        assert told_of_due(later) > 0


def test_nothing_goes_before_two_officers_have_decided(
    world: World, appliance: Appliance, made: OrderedCapture
) -> None:
    with pytest.raises(PreconditionRefused, match="has to be kept until"):
        appliance.capture_retention.propose_disposal(made.id, reason="期满", by=OFFICER)
    with world.opened(ahead=AFTERWARDS) as later:
        officers = later.capture_retention
        assert officers.dispose_due() == 0
        assert made.id in [each.id for each in officers.list_due()]
        officers.place_hold(made.id, reason="（2026）示例民初 1 号", by=OFFICER)
        assert officers.is_held(made.id) and later.captures.keeps_until(now_of(later, made)) is None
        assert made.id not in [each.id for each in officers.list_due()]
        with pytest.raises(PreconditionRefused, match="legal hold"):
            officers.propose_disposal(made.id, reason="期满", by=OFFICER)
        by_itself(later).dispose_due()
        assert now_of(later, made).state is CaptureState.DONE
        with pytest.raises(Exception, match="under a legal hold stays"):  # whatever a workflow forgets
            later.database.commit(captures.dispose, made.id)
        officers.lift_hold(made.id, reason="结案", by=OFFICER)
        officers.propose_disposal(made.id, reason="期满", by=OFFICER)
        with pytest.raises(PreconditionRefused, match="Another officer"):
            officers.confirm_disposal(made.id, by=OFFICER)
        with pytest.raises(StateRefused, match="proposed already"):
            officers.propose_disposal(made.id, reason="期满", by=OTHER)
        later.captures.hold(made.id, reason="另案", by=WHO)
        with pytest.raises(PreconditionRefused, match="keeps it longer"):
            officers.confirm_disposal(made.id, by=OTHER)
        later.captures.release(made.id, by=WHO)
        done = officers.confirm_disposal(made.id, by=OTHER)
        assert done.state is DisposalState.DONE and done.entry is not None
        assert now_of(later, made).state is CaptureState.DISPOSED
        with pytest.raises(PreconditionRefused):
            officers.place_hold(made.id, reason="too late", by=OFFICER)


def test_nothing_of_a_person_goes_while_one_of_their_captures_is_held(
    appliance: Appliance, made: OrderedCapture
) -> None:
    """What opens its entry of the log would go with them, and without that there is no package."""
    subject = "person-held-capture"
    assert made.record is not None
    with appliance.database.transaction() as tx:
        tx.execute(
            "INSERT INTO people (subject, name, organisation, email, language, zone, guest)"
            " VALUES (?, '吴待查', 'x', 'wu-held@example.test', 'zh', 'Asia/Shanghai', 0)",
            (subject,),
        )
        tx.execute("UPDATE captures SET owner = ? WHERE id = ?", (subject, made.id))
    appliance.capture_retention.place_hold(made.id, reason="诉讼", by=OFFICER)
    with pytest.raises(PreconditionRefused, match="is under a legal hold"):
        appliance.retention.erase_person(subject, reason="本人要求", by=OTHER)
    assert appliance.database.query(ledger.opening, made.record.entry) is not None
    appliance.capture_retention.lift_hold(made.id, reason="结案", by=OFFICER)
    appliance.retention.erase_person(subject, reason="本人要求", by=OTHER)
