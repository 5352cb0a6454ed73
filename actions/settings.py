"""The part of the settings that configures the hands, one table for each; `device.settings` has it with the rest."""

from __future__ import annotations

import msgspec

from actions.lost.lost_and_found import LostSettings
from actions.messages.push import OwnerSettings
from actions.messages.send_text import TextSettings
from actions.messages.smtp import EmailSettings
from actions.outbox import OutboxSettings
from actions.people.contact_files import ContactsSettings
from actions.pets.pet_care import PetSettings
from actions.recycling.smart_recycling import RecyclingSettings
from actions.search.search_web import SearchSettings
from actions.shopping.shops import ShoppingSettings


class ActionsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the actions need."""

    email: EmailSettings | None = None  # without it tako sends no emails and says so
    text: TextSettings | None = None  # without it tako sends no texts and says so
    owner: OwnerSettings | None = None  # without it links and pictures stay on the device
    contacts: ContactsSettings = ContactsSettings()
    outbox: OutboxSettings = OutboxSettings()
    search: SearchSettings = SearchSettings()
    shopping: ShoppingSettings = ShoppingSettings()
    recycling: RecyclingSettings = RecyclingSettings()
    pets: PetSettings = PetSettings()
    lost: LostSettings = LostSettings()
