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

from actions.base import Action
from actions.catalogue import CATALOGUE, FUNCTIONS
from actions.contacts import Contacts
from actions.describe_scene import DescribeScene
from actions.errors import SettingsError
from actions.recorded import Nothing, Recorded
from actions.send_email import SendEmail
from actions.smtp import EmailSettings

log = logging.getLogger(__name__)
GROUP = "tako.actions"


@dataclass(frozen=True)
class Context:
    """What an adapter is built from."""

    email: EmailSettings | None  # None: no mail account is set up
    contacts: Contacts


Factory = Callable[[Context], Action]


def build_actions(context: Context, plugins: Iterable[EntryPoint] | None = None) -> Mapping[str, Action]:
    """Function name to action, all of the catalogue's. `plugins`: those installed when left out.

    Raises `SettingsError` for a third party's package that does not fit.
    """
    taken = _third_parties(context, entry_points(group=GROUP) if plugins is None else plugins)
    own: dict[str, Action] = {
        "send_email": SendEmail(context.email, context.contacts),
        "describe_scene": DescribeScene(),
    }
    acting = [f.name for f in CATALOGUE if f.name in taken or f.name in own]
    own["none"] = Nothing(acting)
    return {f.name: taken.get(f.name) or own.get(f.name) or Recorded(f.name) for f in CATALOGUE}


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
