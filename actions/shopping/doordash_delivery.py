"""The action of `doordash_delivery`: puts a dish on the shopping list and sends the owner a link to the restaurant, or
where none was named to the dish, in DoorDash's search (or that of another service).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from actions.base import Request
from actions.shopping.amounts import amount_of
from actions.shopping.shopping_list import MEALS, Wanted, clean
from actions.shopping.shops import Shopping

_FROM = re.compile(r"(?P<dish>.+?)\s+from\s+(?P<place>.+)", re.IGNORECASE)
_AT = re.compile(r"(?P<dish>.+?)\s+at\s+(?P<place>.+)", re.IGNORECASE)
_MORE = re.compile(  # what belongs to the dish again: "a burger from five guys with fries and a coke"
    r"\s+(?:with|without|no|and\s+(?:an?|some|one|two|three|four|five|six|\d+))\s+(?P<more>.+)", re.IGNORECASE
)
_ORDERED = re.compile(r"[从在](?P<place>.+?)(?:点|买|订|叫|来|要)(?P<dish>.+)")
_WISH = re.compile(  # how a dish should be, not whose it is: 不辣的, 少糖的, 大份的
    r"(?:[不微中特超很最多少加去免无正半全三五七]|三分|五分|七分|[大中小](?=[份杯碗盘]))*(?:要|加|放)?"
    r"(?:辣椒?|糖|冰|葱|姜|蒜|香菜|盐|油|醋|麻|甜|酸|咸|热|烫|冷|温|素|新鲜|正宗|便宜|好吃|[份杯碗盘大小])+"
)


class DoordashDelivery(Shopping):
    """Never orders, never pays."""

    name = "doordash_delivery"
    kind = MEALS
    usual = "DoorDash"

    def wanted(self, request: Request) -> Sequence[Wanted]:
        said = clean(request.call.args["order"]).strip(" .。,，;；、")
        dish, place = dish_and_place(said)
        words = (place or amount_of(dish).name).replace("/", " ")  # it becomes a part of the path
        return [Wanted(said, words)] if said else []


def dish_and_place(order: str) -> tuple[str, str]:
    """ "two pizzas from Luigi's" is ("two pizzas", "Luigi's"), 鼎泰丰的小笼包 is (小笼包, 鼎泰丰); the place is
    empty when none was named."""
    found = _ORDERED.fullmatch(order) or _FROM.fullmatch(order) or _AT.fullmatch(order)
    if found:
        dish, place = found["dish"].strip(), found["place"].strip()
        more = _MORE.search(place)
        return (f"{dish}{place[more.start() :]}", place[: more.start()]) if more else (dish, place)
    counted = amount_of(order)
    for mark in re.finditer("的", counted.name):
        place, dish = counted.name[: mark.start()].lstrip("从在"), counted.name[mark.end() :]
        if place and dish and not _WISH.fullmatch(place):
            return dish, place
    return order, ""
