"""`tako contacts`: who can be written to, and who a name would be taken for."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from device.cli.app import App, pass_app

if TYPE_CHECKING:
    from actions.people.contact_files import LiveContacts
    from actions.people.contacts import Contact
    from actions.people.own_contacts import OwnBook


@click.group()
def contacts() -> None:
    """Look after who can be written to: the settings, the file they name, and tako's own book."""


@contacts.command("list")
@click.option("--json", "json_", is_flag=True, help="One JSON object a line.")
@pass_app
def list_(app: App, json_: bool) -> None:
    """List all contacts."""
    everybody = _all(app).contacts
    for contact in sorted(everybody, key=lambda contact: contact.name.casefold()):
        click.echo(json.dumps(asdict(contact), ensure_ascii=False) if json_ else _line(contact))
    if not everybody and not json_:
        click.echo("There are no contacts yet. Add one: tako contacts add 'Anna Berg' --email anna@example.com")


@contacts.command()
@click.argument("name", nargs=-1, required=True)
@click.option(
    "--heard", is_flag=True, help="As if a recogniser had written the name: what sounds alike is asked about."
)
@pass_app
def find(app: App, name: tuple[str, ...], heard: bool) -> None:
    """Show who a NAME is taken for, or what tako would ask."""
    click.echo(_line(_all(app).find(" ".join(name), heard)))


@contacts.command()
@click.argument("name", nargs=-1, required=True)
@click.option("--email", default="", help="Address for emails.")
@click.option("--phone", default="", help="Number for texts; with the country code, unless it is of the own country.")
@click.option("--alias", "aliases", multiple=True, help="Another name the contact is called by; may be given again.")
@pass_app
def add(app: App, name: tuple[str, ...], email: str, phone: str, aliases: tuple[str, ...]) -> None:
    """Add a contact to tako's own book."""
    from actions.people.contacts import Contact

    click.echo(_line(_own(app).add(Contact(" ".join(name), email, phone, aliases))))


@contacts.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@pass_app
def import_(app: App, file: Path) -> None:
    """Take over all contacts of a FILE into tako's own book: vCards (.vcf) as phones export them, or CSV."""
    new, known, left_out = _own(app).take_over(file)
    click.echo(f"{new} new, {known} known already, {left_out} left out (no name, or not readable)")


@contacts.command()
@click.argument("name", nargs=-1, required=True)
@pass_app
def remove(app: App, name: tuple[str, ...]) -> None:
    """Remove the contact of this NAME from tako's own book."""
    contact = _all(app).find(" ".join(name), heard=False)
    _own(app).remove(contact)
    click.echo(f"removed {_line(contact)}")


def _all(app: App) -> LiveContacts:
    from actions.people.contact_files import LiveContacts
    from device.models.places import own_contacts

    return LiveContacts(app.settings.contacts, own_contacts())


def _own(app: App) -> OwnBook:
    from actions.people.own_contacts import OwnBook
    from device.models.places import own_contacts

    return OwnBook(own_contacts(), app.settings.contacts.home_region)


def _line(contact: Contact) -> str:
    called = f"({', '.join(contact.aliases)})" if contact.aliases else ""
    return "  ".join(part for part in (contact.name, contact.email, contact.phone, called) if part)
