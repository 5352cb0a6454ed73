"""From settings to hands: one action for each function of the catalogue.

Knows which adapter stands behind a function. A package of a third party takes a function over by an entry point of
the group `tako.actions`: its name is the function's, its value a callable that takes a `Context` and returns an
`Action`. Installing such a package is the choice; it is named in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from actions.base import Action, Meaning
from actions.catalogue import CATALOGUE, FUNCTIONS
from actions.describe_scene import DescribeScene
from actions.errors import SettingsError
from actions.interior.interior_design import InteriorDesign
from actions.lost.lost_and_found import LostAndFound
from actions.lost.register import Register
from actions.messages.push import owner_push
from actions.messages.send_email import SendEmail
from actions.messages.send_text import SendText
from actions.nothing import Nothing
from actions.people.contacts import Contacts
from actions.pets.pet_care import PetCare
from actions.recycling.smart_recycling import SmartRecycling
from actions.search.google_search import GoogleSearch
from actions.settings import ActionsSettings
from actions.shopping.amazon_shopping import AmazonShopping
from actions.shopping.doordash_delivery import DoordashDelivery
from actions.shopping.instacart_shopping import InstacartShopping
from actions.shopping.shopping_list import ShoppingList
from actions.times.reminders import Reminders

log = logging.getLogger(__name__)
GROUP = "tako.actions"


@dataclass(frozen=True)
class Context:
    """What an adapter is built from."""

    settings: ActionsSettings
    contacts: Contacts
    home: Path  # what an adapter remembers lies in a folder of its own below it
    meaning: Meaning | None = None  # of texts and pictures; None: words are compared by spelling alone
    reminders: Callable[[], Reminders] | None = None  # opens where they are kept; None: there is no such place


Factory = Callable[[Context], Action]


def build_actions(context: Context, plugins: Iterable[EntryPoint] | None = None) -> Mapping[str, Action]:
    """Function name to action, all of the catalogue's. `plugins`: those installed when left out.

    Raises `SettingsError` for settings that do not fit, and for a third party's package that does not.
    """
    taken = _third_parties(context, entry_points(group=GROUP) if plugins is None else plugins)
    settings, contacts, home, meaning = context.settings, context.contacts, context.home, context.meaning
    push = owner_push(settings.owner, settings.email)
    shopping = settings.shopping, ShoppingList(home / "shopping"), push
    unset = {"send_email": settings.email is None, "send_text": settings.text is None}
    acting = [f.name for f in CATALOGUE if f.name != "none" and (f.name in taken or not unset.get(f.name))]
    own: list[Action] = [
        SendEmail(settings.email, contacts),
        SendText(settings.text, contacts, settings.contacts.home_region),
        GoogleSearch(settings.search, home / "search", push),
        AmazonShopping(*shopping),
        SmartRecycling(settings.recycling, meaning),
        LostAndFound(Register(home / "lost", settings.lost.keep_days), meaning),
        InteriorDesign(home / "mood_boards", meaning, push),
        InstacartShopping(*shopping),
        DoordashDelivery(*shopping),
        PetCare(settings.pets, meaning, context.reminders),
        DescribeScene(),
        Nothing(acting),
    ]
    return {action.name: taken.get(action.name, action) for action in own}


def _third_parties(context: Context, plugins: Iterable[EntryPoint]) -> dict[str, Action]:
    taken: dict[str, Action] = {}
    for plugin in plugins:
        if plugin.name not in FUNCTIONS or plugin.name == "none":
            raise _does_not_fit(plugin, f"there is no function {plugin.name} to take over")
        if plugin.name in taken:
            raise _does_not_fit(plugin, f"another package has taken over {plugin.name} already")
        try:
            action = plugin.load()(context)
        except Exception as error:  # code of others may fail in any way; none of it is hidden
            raise _does_not_fit(plugin, f"{type(error).__name__}: {error}") from error
        if not isinstance(action, Action) or action.name != plugin.name:
            raise _does_not_fit(plugin, "what it gives is not an action of that name")
        log.info("%s is carried out by %s", plugin.name, plugin.value)
        taken[plugin.name] = action
    return taken


def _does_not_fit(plugin: EntryPoint, why: str) -> SettingsError:
    return SettingsError(
        f"The add-on {plugin.value} for {plugin.name} cannot be used: {why}. Repair or uninstall it.",
        f"扩展 {plugin.value}（{plugin.name}）不能使用：{why}。请修复或卸载。",
    )
