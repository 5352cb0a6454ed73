"""The action of `instacart_shopping`: puts groceries on the shopping list and sends the owner a link: with a key of the
Instacart Developer Platform to a page with all of them, ready for the cart; else to the shop's search.

The page: https://docs.instacart.com/developer_platform_api/api/products/create_shopping_list_page, and its units:
https://docs.instacart.com/developer_platform_api/api/units_of_measurement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from actions.base import Push, Request
from actions.catalogue import ITEMS, JOINT
from actions.errors import ActionError
from actions.secret import Secret
from actions.shopping.amounts import EACH, Amount
from actions.shopping.shopping_list import GROCERIES, ShoppingList, Wanted
from actions.shopping.shops import InstacartSettings, Shop, Shopping, ShoppingSettings, wanted_of
from actions.web import Web
from actions.wording import one_line, say

PATH = "/idp/v1/products/products_link"
_LONGEST_LINK = 2000  # characters
_UNITS = {  # a unit of `actions.shopping.amounts` to one that Instacart takes, and how many of it; others are `EACH`
    **{unit: (unit, 1.0) for unit in ("gram", "kilogram", "ounce", "pound", "milliliter", "liter", "pint", "quart")},
    **{unit: (unit, 1.0) for unit in ("gallon", "cup", "tablespoon", "teaspoon", "can", "bunch", "head")},
    "fluid_ounce": ("milliliter", 29.5735),  # Instacart has it in compounds only ("fl oz can")
    "jin": ("gram", 500.0),
    "liang": ("gram", 50.0),
    "dozen": (EACH, 12.0),
    "pack": ("package", 1.0),
    "box": ("package", 1.0),
    "bag": ("package", 1.0),
}


class InstacartShopping(Shopping):
    """Never orders, never pays."""

    name = "instacart_shopping"
    kind = GROCERIES
    usual = "Instacart"

    def __init__(self, settings: ShoppingSettings, kept: ShoppingList, push: Push | None = None) -> None:
        super().__init__(settings, kept, push)
        self._pages = Pages(settings.instacart, settings.region) if settings.instacart else None

    def wanted(self, request: Request) -> Sequence[Wanted]:
        return wanted_of(request.call.args[ITEMS].split(JOINT.strip()))

    def page(self, request: Request, things: Sequence[Wanted], shop: Shop) -> str:
        if self._pages is None:
            return super().page(request, things, shop)
        return self._pages.make(say(request.lang, "Shopping list", "购物清单"), things)


class Pages:
    """Makes shopping list pages. One made twice harms nobody: it is a page, not an order."""

    def __init__(self, settings: InstacartSettings, region: str) -> None:
        self._settings = settings
        self._language = "en-CA" if region == "CA" else "en-US"
        self._web = Web(
            service="Instacart", section="shopping.instacart", timeout=settings.timeout, ca_file=settings.ca_file
        )

    def make(self, title: str, things: Sequence[Wanted]) -> str:
        """The address of a page with these things. Raises as `Web` does."""
        reply = self._web.post(
            self._settings.server + PATH,
            json={
                "title": title,
                "link_type": "shopping_list",
                "line_items": [line_item(thing) for thing in things],
            },
            headers={
                "Authorization": Secret(f"Bearer {self._settings.key.reveal()}"),
                "Accept": "application/json",
                "Accept-Language": self._language,
            },
        )
        answer = reply.json()
        link = answer.get("products_link_url") if isinstance(answer, dict) else None
        if not _is_link(link):
            raise ActionError(
                "Instacart made no page. Look into its dashboard for developers.",
                "Instacart 没有生成页面，请查看它的开发者后台。",
            )
        return str(link)


def line_item(thing: Wanted) -> dict[str, Any]:
    """One `LineItem` of the API: what to look for, the words as they were said, and how much where that was said."""
    amount = thing.amount
    item: dict[str, Any] = {"name": amount.name, "display_text": thing.said}
    if amount.quantity is not None:
        item["line_item_measurements"] = [_measurement(amount, amount.quantity)]
    return item


def _measurement(amount: Amount, quantity: float) -> dict[str, Any]:
    unit, times = _UNITS.get(amount.unit, (EACH, 1.0))
    return {"quantity": round(quantity * times, 3), "unit": unit}


def _is_link(link: object) -> bool:
    if not isinstance(link, str) or len(link) > _LONGEST_LINK or one_line(link) != link or " " in link:
        return False
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)
