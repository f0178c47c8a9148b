"""Directories and single sign-on: they answer, what waits of them is decided, and who has left is let go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from appliance.config import Settings
from appliance.health.check_context import CheckContext
from appliance.health.findings import HealthFinding, RunbookPage, attention, failing, good, unset
from appliance.model.api_clients import ApiClient, ClientState
from appliance.model.directories import DirectorySource, HeldKind
from appliance.model.directory_status import ProviderState
from appliance.store import api_clients, directory_health
from appliance.store import maintenance as stored_maintenance
from appliance.store.directory_health import HeldCount, LastingDepartures, RoundsSoFar

MISSED: Final = 3
"""Synchronisations that may fail before anybody is told: a directory is restarted, or slow for a while."""

AWAY: Final = timedelta(hours=1)
"""A directory that has not been read for so long: those who have left since then can still sign in."""

NOTED: Final = timedelta(minutes=10)
"""What the portal noted of the identity provider counts for so long: without sign-ins it notes nothing."""

TO_LET_GO: Final = timedelta(days=3)
"""For so long officers may take to end the certificate of somebody who has left."""

SILENT: Final = timedelta(days=7)
"""A program that pushes people asks far more often, by itself."""

ENDING: Final = timedelta(days=30)
"""So long before an authority's certificate expires somebody is told."""

_NONE: Final = "People come from no directory."


def directory(context: CheckContext) -> HealthFinding:
    """The directory is read every so many minutes. Asks the scheduler's record, not the directory."""
    settings = context.configured().ldap
    if not settings.configured:
        return unset("No LDAP directory is configured.")
    with context.reading() as tx:
        rounds = directory_health.rounds_so_far(tx, DirectorySource.LDAP)
        window = stored_maintenance.open_window(tx)
    if window is not None and window.is_under_way(context.now):
        return good("The directory is read again after the maintenance.")
    return directory_finding(rounds, timedelta(minutes=settings.minutes), settings.url, context.now)


def directory_finding(rounds: RoundsSoFar | None, pause: timedelta, url: str, now: datetime) -> HealthFinding:
    """What to say of *rounds* with the directory at *url*, which come every *pause*."""
    if rounds is None:
        template = "The directory {url} waits for its first synchronisation: look at a dry run, then start it."
        return attention(RunbookPage.DIRECTORY_DOWN, template, url=url)
    since = rounds.success or rounds.began
    values = {"url": url, "at": _moment(since), "why": rounds.failure}
    if now - since <= MISSED * pause:
        return good("The directory {url} was read at {at}.", **values)
    if rounds.failure is None:
        template = "The directory {url} was read last at {at}; the scheduler does not read it."
        return attention(RunbookPage.DIRECTORY_DOWN, template, **values)
    template = "The directory {url} could not be read since {at}; nothing was changed. {why}"
    if now - since > AWAY:
        return failing(RunbookPage.DIRECTORY_DOWN, template, "hour", **values)
    return attention(RunbookPage.DIRECTORY_DOWN, template, **values)


def removals(context: CheckContext) -> HealthFinding:
    """Many people who would be gone at once wait for two administrators."""
    return removals_finding(_held(context).get(HeldKind.REMOVAL)) if _has_directory(context) else unset(_NONE)


def removals_finding(held: HeldCount | None) -> HealthFinding:
    """What to say of those who wait."""
    if held is None:
        return good("Nobody's removal waits for administrators.")
    template = "People whom the directory no longer has, and whose accounts wait for two administrators: {count}."
    return attention(RunbookPage.DIRECTORY_REMOVALS, template, count=held.count, since=_moment(held.since))


def held(context: CheckContext) -> HealthFinding:
    """Accounts of auditors and operators, and links of local accounts, wait for two administrators."""
    return held_finding(_held(context)) if _has_directory(context) else unset(_NONE)


def held_finding(waiting: Mapping[HeldKind, HeldCount]) -> HealthFinding:
    """What to say of those who wait, removals apart."""
    duties, links = (getattr(waiting.get(kind), "count", 0) for kind in (HeldKind.DUTY, HeldKind.LINK))
    if not duties and not links:
        return good("No account from a directory waits for administrators.")
    template = (
        "Accounts from a directory that wait for two administrators: {duties} of auditors and operators,"
        " {links} of people who have a local account."
    )
    return attention(RunbookPage.DIRECTORY_HELD, template, duties=duties, links=links)


def problems(context: CheckContext) -> HealthFinding:
    """The users of directories can come in."""
    if not _has_directory(context):
        return unset(_NONE)
    with context.reading() as tx:
        return problems_finding(directory_health.count_problems(tx))


def problems_finding(count: int) -> HealthFinding:
    """What to say of so many who cannot, or whose accounts do not follow."""
    if not count:
        return good("Every user of a directory has the account that belongs to them.")
    template = "Users of a directory whose accounts do not follow it: {count}."
    return attention(RunbookPage.DIRECTORY_PROBLEMS, template, count=count)


def authorities(context: CheckContext) -> HealthFinding:
    """The authorities by which directory and identity provider prove who they are last. Reads their files."""
    settings = context.configured()
    named = [
        (part.tls, place)
        for part, place in ((settings.ldap, settings.ldap.url), (settings.openid, settings.openid.issuer))
        if part.configured and part.tls
    ]
    if not named:
        return unset("No authorities are set for directory and identity provider; those of the system count.")
    found = [(_newest_end(context.home.settings.parent / name), name, place) for name, place in named]
    return authorities_finding(found, context.now)


def authorities_finding(found: Sequence[tuple[datetime | None, str, str]], now: datetime) -> HealthFinding:
    """What to say of files: until when the last certificate in each counts (None: it cannot be read), its name,
    and the address that it is for."""
    unreadable = [each for each in found if each[0] is None]
    if unreadable:
        _, name, place = unreadable[0]
        template = "The authorities for {place} in {file} cannot be read."
        return failing(RunbookPage.DIRECTORY_AUTHORITY, template, name, file=name, place=place)
    until, name, place = min((end, name, place) for end, name, place in found if end is not None)
    values = {"file": name, "place": place, "day": f"{until:%Y-%m-%d}"}
    if until <= now:
        template = "The authorities for {place} in {file} have expired."
        return failing(RunbookPage.DIRECTORY_AUTHORITY, template, f"{name} ended", **values)
    if until - now <= ENDING:
        template = "The authorities for {place} in {file} expire on {day}."
        return attention(RunbookPage.DIRECTORY_AUTHORITY, template, name, **values)
    return good("The authorities for {place} count until {day}.", **values)


def _newest_end(path: Path) -> datetime | None:
    """Until when the file has a certificate that counts."""
    try:
        return max(each.not_valid_after_utc for each in x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError):
        return None


def provider(context: CheckContext) -> HealthFinding:
    """The identity provider answers those who sign in. Asks what the portal has noted, not the provider."""
    settings = context.configured().openid
    if not settings.configured:
        return unset("Nobody signs in through an identity provider.")
    with context.reading() as tx:
        return provider_finding(directory_health.provider_state(tx, settings.issuer), context.now)


def provider_finding(state: ProviderState, now: datetime) -> HealthFinding:
    """What to say of what was noted last."""
    if state.at is None or state.since is None or now - state.at > NOTED:
        return good("The identity provider {issuer} answers.", issuer=state.issuer)
    values = {"issuer": state.issuer, "at": _moment(state.since), "why": state.problem}
    template = "Nobody can sign in through the identity provider {issuer} since {at}. {why}"
    return failing(RunbookPage.PROVIDER_DOWN, template, **values)


def departures(context: CheckContext) -> HealthFinding:
    """Officers end the certificates of those who have left."""
    if not _has_directory(context):
        return unset(_NONE)
    with context.reading() as tx:
        return departures_finding(directory_health.lasting_departures(tx, before=context.now - TO_LET_GO))


def departures_finding(lasting: LastingDepartures | None) -> HealthFinding:
    """What to say of those who left long ago."""
    if lasting is None:
        return good("No departure waits for officers for long.")
    template = "People who left more than three days ago, and whose certificates no officer has ended: {count}."
    return attention(RunbookPage.DEPARTURES_WAITING, template, count=lasting.count, since=_moment(lasting.since))


def pushing(context: CheckContext) -> HealthFinding:
    """Programs that push people (SCIM) go on doing so."""
    with context.reading() as tx:
        found = [each for each in api_clients.all_clients(tx) if each.state is ClientState.ACTIVE]
    return pushing_finding([each for each in found if each.pushes_people], context.now)


def pushing_finding(clients: Sequence[ApiClient], now: datetime) -> HealthFinding:
    """What to say of these *clients*."""
    if not clients:
        return unset("No program pushes people by SCIM.")
    first = min(clients, key=_last_seen)
    values = {"name": first.name, "client": first.id, "at": _moment(_last_seen(first))}
    if now - _last_seen(first) > SILENT:
        template = "{name} ({client}), which pushes people by SCIM, has not been heard of since {at}."
        return attention(RunbookPage.SCIM_SILENT, template, first.id, **values)
    return good("Programs that push people by SCIM: {count}.", count=len(clients))


def _last_seen(client: ApiClient) -> datetime:
    return client.last_used or client.created


def _held(context: CheckContext) -> Mapping[HeldKind, HeldCount]:
    with context.reading() as tx:
        return directory_health.held_counts(tx)


def _has_directory(context: CheckContext) -> bool:
    """Whether people come from one, or a program may push them."""
    settings: Settings = context.configured()
    if settings.ldap.configured or settings.openid.configured:
        return True
    with context.reading() as tx:
        return any(each.pushes_people for each in api_clients.all_clients(tx))


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
