"""``vermilion api``: programs of the enterprise that use the API.

A secret is made here, where it is shown once; on an appliance nothing but its SHA-256 is sent on to be approved.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click

from appliance.administration import COMMAND, open_administration
from appliance.administration.actions.integration import CHANGE_CERTIFICATE, CREATE, ORIGINS, ROTATE, joined
from appliance.api_clients import (
    ApiClients,
    ClientCertificate,
    new_client_id,
    new_secret,
    read_certificate,
    read_scopes,
    secret_digest,
)
from appliance.cli.admin_requests import show_request
from appliance.cli.program import FILE, REFUSED, Context
from appliance.clock import utc_now
from appliance.config import Settings, load
from appliance.errors import PreconditionRefused
from appliance.model.administration import ROOT, AdminRequestState
from appliance.model.api_clients import ClientAuthentication, ClientTerms
from appliance.store.database import Database
from hsm.intents import instant


@click.group("api")
def api_group() -> None:
    """Create clients of the API, list them, give them new secrets and certificates."""


_EMBED = click.option(
    "--embed-origin",
    "origins",
    multiple=True,
    help="In whose pages links may be embedded, such as https://erp.example.com.",
)


@dataclass(frozen=True, slots=True)
class _Proof:
    """By what a client will prove who it is; ``secret`` is shown once, where one was made."""

    authentication: ClientAuthentication
    secret: str = ""


@api_group.command("client")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="What it may do, such as contracts:read.")
@click.option(
    "--organisation", "organisations", multiple=True, help="For whom it works; without any, the own one."
)
@click.option("--kind", "kinds", multiple=True, help="A type of contract; without any, all types.")
@_EMBED
@click.option("--keys", type=FILE, help="Its public keys (a JWK set), in place of a secret.")
@click.option("--certificate", type=FILE, help="Its client certificate (PEM), in place of a secret.")
@click.pass_obj
def client_command(
    context: Context,
    /,
    name: str,
    keys: Path | None,
    certificate: Path | None,
    **sets: tuple[str, ...],
) -> None:
    """Create the client NAME, and print its id and secret, once.

    On an appliance a second administrator has to approve it before it can be used.
    """
    settings, proof, client = load(context.home), _proof(context, keys, certificate), new_client_id()
    own = frozenset(sets["organisations"] or (settings.organisation.name,))
    kinds, origins = frozenset(sets["kinds"]), frozenset(sets["origins"])
    with _clients(settings) as clients:
        wanted = ClientTerms(name, read_scopes(sets["scopes"]), own, kinds, origins)
        terms = clients.require_possible(client, wanted, proof.authentication)
        if not settings.home.is_managed:
            clients.create(client, terms, proof.authentication, by=ROOT.login)
    if settings.home.is_managed:
        arguments = {"name": terms.name, "scopes": " ".join(sorted(terms.scopes)), "client": client}
        arguments |= {"organisations": joined(terms.organisations), "kinds": joined(terms.kinds)}
        arguments |= {"origins": " ".join(sorted(terms.origins))} if terms.origins else {}
        _ask(context, settings, CREATE, arguments | _stated(proof.authentication))
    click.echo(f"client_id={client}")
    _show_secret(context, proof.secret)


def _proof(context: Context, keys: Path | None, certificate: Path | None) -> _Proof:
    if keys is not None and certificate is not None:
        raise click.UsageError(context.terminal.translated("Give --keys or --certificate, not both."))
    if keys is not None:
        return _Proof(ClientAuthentication(keys=" ".join(keys.read_text(encoding="utf-8").split())))
    if certificate is not None:
        read = _read(certificate)
        return _Proof(ClientAuthentication(certificate=read.thumbprint, certificate_expires=read.expires))
    secret = new_secret()
    return _Proof(ClientAuthentication(secret=secret_digest(secret)), secret)


def _read(path: Path) -> ClientCertificate:
    found = read_certificate(path.read_bytes())
    if found.expires <= utc_now():
        raise PreconditionRefused("The certificate has expired.")
    return found


def _stated(authentication: ClientAuthentication) -> dict[str, str]:
    """The authentication as arguments of an action; the secret is not among them."""
    secret = None if authentication.secret is None else authentication.secret.hex()
    given = {
        "secret_digest": secret,
        "keys": authentication.keys,
        "certificate": authentication.certificate,
    }
    stated = {name: value for name, value in given.items() if value is not None}
    return stated | _moment("certificate_expires", authentication.certificate_expires)


def _ask(context: Context, settings: Settings, action: str, arguments: dict[str, str]) -> None:
    """Files a request that a second administrator has to approve."""
    with open_administration(settings.as_served(), now=utc_now, process=COMMAND) as administration:
        act = administration.requests.submit_request(action, arguments, by=ROOT)
        if show_request(context, administration, act).state is not AdminRequestState.WAITING:
            raise click.exceptions.Exit(REFUSED)


def _show_secret(context: Context, secret: str) -> None:
    if secret:
        click.echo(f"client_secret={secret}")
        context.terminal.warn("The secret is shown this once; nothing but its SHA-256 is kept.")


@api_group.command("clients")
@click.pass_obj
def clients_command(context: Context) -> None:
    """List the clients: what they may do, for whom, and when they were last used."""
    say = context.terminal.say
    with _clients(load(context.home)) as clients:
        for each in clients.list_clients():
            used = "" if each.last_used is None else instant(each.last_used)
            scopes, organisations = " ".join(sorted(each.scopes)), "; ".join(sorted(each.organisations))
            say("{client}  {name}, {state}", client=each.id, name=each.name, state=each.state)
            say("  scopes: {scopes}", scopes=scopes)
            say("  organisations: {organisations}", organisations=organisations)
            if each.kinds:
                say("  types of contract: {kinds}", kinds="; ".join(sorted(each.kinds)))
            if each.certificate:
                say("  certificate (SHA-256): {certificate}", certificate=each.certificate)
            if each.certificate_expires:
                say("  it expires: {at}", at=instant(each.certificate_expires))
            if each.origins:
                say("  embedded in pages of: {origins}", origins=" ".join(sorted(each.origins)))
            if used:
                say("  last used: {at}", at=used)
            else:
                say("  never used")


@api_group.command("origins")
@click.argument("client")
@_EMBED
@click.pass_obj
def origins_command(context: Context, client: str, origins: tuple[str, ...]) -> None:
    """Say in whose pages links of CLIENT (an id) may be embedded: in these alone; without any, in none.

    On an appliance a second administrator has to approve it before it counts.
    """
    settings = load(context.home)
    with _clients(settings) as clients:
        tidy = clients.require_origins(client, frozenset(origins))
        if not settings.home.is_managed:
            clients.change_origins(client, tidy, by=ROOT.login)
    if settings.home.is_managed:
        _ask(context, settings, ORIGINS, {"client": client, "origins": " ".join(sorted(tidy))})


@api_group.command("secret")
@click.argument("client")
@click.option(
    "--overlap",
    type=click.IntRange(0, 89),
    default=0,
    help="Days for which the old secret is valid too; with 0 it ends at once.",
)
@click.pass_obj
def secret_command(context: Context, client: str, overlap: int) -> None:
    """Make a new secret for CLIENT (an id), and print it, once.

    On an appliance a second administrator has to approve it before it counts.
    """
    settings, secret, until = load(context.home), new_secret(), _in(overlap)
    with _clients(settings) as clients:
        clients.find(client)
        if not settings.home.is_managed:
            clients.change_secret(client, secret_digest(secret), old_until=until, by=ROOT.login)
    if settings.home.is_managed:
        arguments = {"client": client, "secret_digest": secret_digest(secret).hex()}
        _ask(context, settings, ROTATE, arguments | _moment("old_until", until))
    _show_secret(context, secret)


@api_group.command("certificate")
@click.argument("client")
@click.argument("file", type=FILE)
@click.option(
    "--overlap",
    type=click.IntRange(0, 89),
    default=0,
    help="Days for which the old certificate is valid too; with 0 it ends at once.",
)
@click.pass_obj
def certificate_command(context: Context, client: str, file: Path, overlap: int) -> None:
    """Give CLIENT (an id) the certificate in FILE (PEM) in place of the one that it has.

    On an appliance a second administrator has to approve it before it counts.
    """
    settings, read, until = load(context.home), _read(file), _in(overlap)
    with _clients(settings) as clients:
        clients.find(client)
        if not settings.home.is_managed:
            clients.change_certificate(client, read.thumbprint, read.expires, old_until=until, by=ROOT.login)
    if settings.home.is_managed:
        arguments = {"client": client, "certificate": read.thumbprint}
        arguments |= _moment("certificate_expires", read.expires) | _moment("old_until", until)
        _ask(context, settings, CHANGE_CERTIFICATE, arguments)
    context.terminal.say("certificate (SHA-256): {certificate}", certificate=read.thumbprint)


def _in(days: int) -> datetime | None:
    return utc_now().replace(microsecond=0) + timedelta(days=days) if days else None


def _moment(name: str, at: datetime | None) -> dict[str, str]:
    return {} if at is None else {name: instant(at)}


@contextmanager
def _clients(settings: Settings) -> Iterator[ApiClients]:
    """The register, in a database that this command does not migrate on an appliance."""
    with closing(Database(settings.home.database, as_found=settings.home.is_managed)) as database:
        house, development = settings.organisation.name, not settings.home.is_managed
        yield ApiClients(database, utc_now, house=house, development=development)
