"""Where things are bought, and what the three functions that shop have in common: what was said goes on the shopping
list, and a link to the shop to the owner. They never order, and never pay.

Knows shops by country, links and sentences; knows no protocol of a shop (`actions.shopping.instacart_shopping` has
one).
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar
from urllib.parse import quote, urlsplit
from uuid import uuid4

import msgspec

from actions.base import Outcome, Push, Request
from actions.catalogue import Call
from actions.errors import ActionError, DeviceError, Misfit, NotNow
from actions.messages.push import place
from actions.questions import ask_for_missing
from actions.secret import Secret
from actions.shopping.shopping_list import GROCERIES, MEALS, PRODUCTS, ShoppingList, Wanted, clean
from actions.wording import aloud, cut, listing, one_line, say

log = logging.getLogger(__name__)
QUERY = "{query}"  # where the words go in the address of a search
_AMAZON = {  # country: domain
    "AE": "ae", "AT": "de", "AU": "com.au", "BE": "com.be", "BR": "com.br", "CA": "ca", "CN": "cn", "DE": "de",
    "EG": "eg", "ES": "es", "FR": "fr", "GB": "co.uk", "IE": "ie", "IN": "in", "IT": "it", "JP": "co.jp",
    "MX": "com.mx", "NL": "nl", "PL": "pl", "SA": "sa", "SE": "se", "SG": "sg", "TR": "com.tr", "US": "com",
    "ZA": "co.za",
}  # fmt: skip
_INSTACART = {"US": "com", "CA": "ca"}
_DOORDASH = ("US", "CA", "AU")
_NAMED = 4  # things that are named when it is done; all of them are before


class OtherShop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Another shop, by the address of its search."""

    name: str  # as it is called in sentences: "Lieferando"
    search: str  # address of its search, with {query} where the words go: "https://www.example.com/search?q={query}"

    def __post_init__(self) -> None:
        if not one_line(self.name) or len(self.name) > 40:
            raise Misfit("name must be 1 to 40 characters", "name 应为 1 到 40 个字符")
        if not _is_search(self.search):
            raise Misfit(
                f"search must be an address that begins with https:// and has {QUERY} where the words go",
                f"search 应是以 https:// 开头的网址，并在搜索词处写 {QUERY}",
            )


class InstacartSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Access to the Instacart Developer Platform, which makes a page with all things of a request."""

    key: Secret  # API key, from Instacart's dashboard for developers
    server: Annotated[str, msgspec.Meta(pattern=r"^https://[A-Za-z0-9.:-]+$")] = (
        "https://connect.instacart.com"  # with a key for development: "https://connect.dev.instacart.tools"
    )
    timeout: Annotated[float, msgspec.Meta(ge=1, le=600)] = 20.0  # seconds to wait for an answer
    ca_file: Path | None = None  # certificate of a private authority to trust (PEM)


class ShoppingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which shops links lead to. tako never orders and never pays."""

    region: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")] = (
        "US"  # country of the shops, two letters: "DE", "GB", "CN". Instacart is in US and CA, DoorDash in US, CA, AU
    )
    products: OtherShop | None = None  # in place of Amazon
    groceries: OtherShop | None = None  # in place of Instacart
    meals: OtherShop | None = None  # in place of DoorDash
    instacart: InstacartSettings | None = None

    def __post_init__(self) -> None:
        if self.groceries and self.instacart:
            raise Misfit(
                "groceries and instacart are both set: leave one of them out",
                "groceries 和 instacart 只能填写一个",
            )


@dataclass(frozen=True)
class Shop:
    """A shop whose search has an address."""

    en: str
    zh: str
    search: str  # with `QUERY`

    def link(self, words: str) -> str:
        """The address at which the shop searches for these words."""
        return self.search.replace(QUERY, quote(words, safe="", errors="replace"))

    @property
    def home(self) -> str:
        return f"https://{urlsplit(self.search).netloc}/"


def shop_for(kind: str, settings: ShoppingSettings) -> Shop | None:
    """The shop for a kind of thing (`PRODUCTS`, `GROCERIES`, `MEALS`), None where the region has none."""
    region = settings.region
    other: OtherShop | None = getattr(settings, kind)
    if other:
        return Shop(one_line(other.name), one_line(other.name), other.search)
    if kind == PRODUCTS and region in _AMAZON:
        return Shop("Amazon", "亚马逊", f"https://www.amazon.{_AMAZON[region]}/s?k={QUERY}")
    if kind == GROCERIES and (region in _INSTACART or settings.instacart):
        domain = _INSTACART.get(region, "com")
        return Shop("Instacart", "Instacart", f"https://www.instacart.{domain}/store/s?k={QUERY}")
    if kind == MEALS and region in _DOORDASH:
        return Shop("DoorDash", "DoorDash", f"https://www.doordash.com/search/store/{QUERY}/")
    return None


class Shopping(ABC):
    """An action that puts things on the list and, after a yes, sends the owner a link."""

    name: str
    kind: ClassVar[str]  # `PRODUCTS`, `GROCERIES` or `MEALS`
    usual: ClassVar[str]  # the shop that the function is named after
    idempotent = True  # what was cut short may be done again: a link that comes twice harms nobody

    def __init__(self, settings: ShoppingSettings, kept: ShoppingList, push: Push | None = None) -> None:
        """push: None where no way to the owner is set up."""
        self._settings = settings
        self._kept = kept
        self._push = push
        self._shop = shop_for(self.kind, settings)
        self._told = False  # that the list was damaged

    @abstractmethod
    def wanted(self, request: Request) -> Sequence[Wanted]:
        """The things of a request, none when it names none."""

    def page(self, request: Request, things: Sequence[Wanted], shop: Shop) -> str:
        """The address that the owner is sent. Raises as `Action.perform` does."""
        return shop.link(things[0].query) if len(things) == 1 else shop.home

    def read_back(self, request: Request) -> str:
        things, lang = self._things(request), request.lang
        named = aloud(listing([thing.said for thing in things], lang, ("and", "和")), lang)
        if self._push is None or self._shop is None:
            return say(lang, f"Shall I put {named} on your list?", f"要把{named}加入购物清单吗？")
        return say(
            lang,
            f"Shall I put {named} on your list and send you the {self._shop.en} link?",
            f"要把{named}加入购物清单，并把{self._shop.zh}链接发给你吗？",
        )

    def perform(self, request: Request) -> Outcome:
        things, lang = self._things(request), request.lang
        key = request.key or uuid4().hex
        self._kept.add(key, self.kind, things, lang)
        named = _named(things, lang)
        put = f"I put {named} on your list", f"{named}已加入购物清单"
        detail = f"{self.name}: {'; '.join(thing.said for thing in things)}"
        if self._push is None or self._shop is None:
            return self._done(request, say(lang, *put) + self._why_no_link(lang), detail)
        link, where = self._sent(request, key, things, self._shop, put)
        spoken = say(
            lang,
            f"{put[0]} and sent the {self._shop.en} link to {where}. Nothing is ordered yet.",
            f"{put[1]}，{self._shop.zh}链接已发到{place(where, lang)}。还没有下单。",
        )
        return self._done(request, spoken, f"{detail}: {link} to {where}")

    def _things(self, request: Request) -> Sequence[Wanted]:
        """Raises `Question` when there is none."""
        ask_for_missing(request)
        things = self.wanted(request)
        if not things:  # nothing but marks
            ask_for_missing(replace(request, call=Call(self.name, dict.fromkeys(request.call.args, ""))))
        return things

    def _sent(
        self, request: Request, key: str, things: Sequence[Wanted], shop: Shop, put: tuple[str, str]
    ) -> tuple[str, str]:
        """Sends the link, once for a key; returns it, and where to."""
        assert self._push is not None
        errand = self._kept.errand(key)
        link = errand.link
        if errand.sent:
            return link, errand.sent
        try:
            if not link:
                link = self.page(request, things, shop)
                self._kept.keep_link(key, link)
            title = cut(f"{say(request.lang, shop.en, shop.zh)}: {_named(things, request.lang)}", 100)
            where = self._push.push(title, self._message(request, things, shop, link), link, key=request.key)
        except NotNow as error:
            raise NotNow(
                f"{put[0]}. {error.en} I send you the {shop.en} link when that works again.",
                f"{put[1]}。{error.zh}等能用的时候再把{shop.zh}链接发给你。",
            ) from error
        except ActionError as error:
            raise ActionError(
                f"{put[0]}, but the {shop.en} link did not go out. {error.en}",
                f"{put[1]}，但{shop.zh}链接没有发出。{error.zh}",
            ) from error
        try:
            self._kept.mark_sent(key, where)
        except DeviceError as error:  # it is sent; the push itself knows the key, too
            log.warning("the link is sent, but that is not kept: %s", error)
        return link, where

    def _message(self, request: Request, things: Sequence[Wanted], shop: Shop, link: str) -> str:
        """The text beside the link: what was said, each with a link of its own where the link is of none of them."""
        each = link == shop.home
        lines = [f"{thing.said}: {shop.link(thing.query)}" if each else thing.said for thing in things]
        footer = say(
            request.lang,
            "Nothing is ordered yet. Open the link to choose and pay.",
            "还没有下单，打开链接自己选购付款。",
        )
        return "\n".join([*lines, "", footer])

    def _why_no_link(self, lang: str) -> str:
        """The rest of a sentence that ends without a link: what to set up."""
        if self._shop is None:
            return say(
                lang,
                f". {self.usual} is not in your region; for a link, name a shop under shopping.{self.kind} in my "
                "settings file.",
                f"。你的地区没有 {self.usual}，想要链接，请在设置文件的 shopping.{self.kind} 里填一家店。",
            )
        return say(
            lang,
            f". To get the {self._shop.en} link, fill in the owner section of my settings file.",
            f"。想收到{self._shop.zh}链接，请填写设置文件的 owner 部分。",
        )

    def _done(self, request: Request, spoken: str, detail: str) -> Outcome:
        if self._kept.notice and not self._told:
            self._told = True
            spoken += say(request.lang, " ", "") + self._kept.notice.spoken(request.lang)
        return Outcome("done", spoken, detail)


def wanted_of(items: Sequence[str]) -> list[Wanted]:
    """The things in words as they were said. A shop is asked for "hammers", not for "three hammers"; but for what is
    measured with its measure."""
    things = []
    for item in items:
        said = clean(item).strip(" .。,，;；、")
        thing = Wanted(said, said)
        if said:
            things.append(thing if thing.amount.measured else Wanted(said, thing.amount.name))
    return things


def _named(things: Sequence[Wanted], lang: str) -> str:
    """ "milk, eggs and bread", 牛奶、鸡蛋和面包; of many the first, and how many more."""
    names = [aloud(cut(thing.said, 60), lang) for thing in things[:_NAMED]]
    more = len(things) - len(names)
    if more:
        names.append(say(lang, f"{more} more", f"另外{more}样"))
    return listing(names, lang, ("and", "和"))


def _is_search(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        parts.port  # noqa: B018 - raises when it is no number
    except ValueError:
        return False
    plain = address.isascii() and address.isprintable() and " " not in address and "@" not in parts.netloc
    return plain and parts.scheme == "https" and "." in host and QUERY in address and "{" not in host
