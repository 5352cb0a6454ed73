"""The three functions that shop: what goes on the list, what the owner is sent, what is said, what never is done."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
from web_server import Answer, Seen, WebServer, free_port

from actions.base import Action, Push, Request
from actions.catalogue import Risk, make_call
from actions.errors import ActionError, DeviceError, NotNow, Question
from actions.messages.push import OwnerPush, _is_web_address
from actions.secret import Secret
from actions.shopping.amazon_shopping import AmazonShopping
from actions.shopping.doordash_delivery import DoordashDelivery, dish_and_place
from actions.shopping.instacart_shopping import InstacartShopping
from actions.shopping.shopping_list import FILE, GROCERIES, MEALS, PRODUCTS, ShoppingList
from actions.shopping.shops import InstacartSettings, OtherShop, Shopping, ShoppingSettings, shop_for

KEY = "keys.0123456789abcdef"
PAGE = "https://customers.dev.instacart.tools/store/shopping_lists/42"
# Those of https://docs.instacart.com/developer_platform_api/api/units_of_measurement that are used here.
UNITS = {"each", "gram", "kilogram", "ounce", "pound", "milliliter", "liter", "pint", "quart", "gallon", "cup",
         "tablespoon", "teaspoon", "can", "bunch", "head", "package"}  # fmt: skip


@dataclass
class Sent:
    """A push that keeps what it was given; `error` is raised instead."""

    where: str = "your phone"
    error: Exception | None = None
    sent: list[dict[str, str]] = field(default_factory=list)

    def push(self, title: str, text: str, link: str = "", picture: Path | None = None, key: str = "") -> str:
        if self.error:
            raise self.error
        assert _is_web_address(link)  # else the real one refuses it
        self.sent.append({"title": title, "text": text, "link": link, "key": key})
        return self.where

    @property
    def link(self) -> str:
        return self.sent[-1]["link"]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[ShoppingList]:
    kept = ShoppingList(tmp_path)
    yield kept
    kept.close()


def request(name: str, said: str, lang: str = "en", key: str = "a1b2c3d4e5f6") -> Request:
    return Request(make_call(name, said), lang, key=key)


def product(said: str, lang: str = "en", key: str = "a1b2c3d4e5f6") -> Request:
    return request("amazon_shopping", said, lang, key)


def groceries(said: str, lang: str = "en", key: str = "a1b2c3d4e5f6") -> Request:
    return request("instacart_shopping", said, lang, key)


def meal(said: str, lang: str = "en", key: str = "a1b2c3d4e5f6") -> Request:
    return request("doordash_delivery", said, lang, key)


def texts(kept: ShoppingList) -> list[str]:
    return [line.text for line in kept.lines()]


SHOPPING: list[tuple[type[Shopping], str]] = [
    (AmazonShopping, "three hammers"),
    (InstacartShopping, "three lemons; milk"),
    (DoordashDelivery, "burrito from el camino"),
]


class TestProducts:
    def test_it_asks_then_keeps_and_sends(self, kept: ShoppingList) -> None:
        push = Sent()
        action = AmazonShopping(ShoppingSettings(), kept, push)
        asked = product("three hammers")
        assert action.read_back(asked) == "Shall I put three hammers on your list and send you the Amazon link?"
        assert (texts(kept), push.sent) == ([], [])  # nothing before the yes
        outcome = action.perform(asked)
        assert outcome.status == "done"
        assert outcome.spoken == (
            "I put three hammers on your list and sent the Amazon link to your phone. Nothing is ordered yet."
        )
        assert texts(kept) == ["three hammers"]
        assert push.sent == [
            {
                "title": "Amazon: three hammers",
                "text": "three hammers\n\nNothing is ordered yet. Open the link to choose and pay.",
                "link": "https://www.amazon.com/s?k=hammers",
                "key": "a1b2c3d4e5f6",
            }
        ]
        assert push.link in outcome.detail

    def test_chinese(self, kept: ShoppingList) -> None:
        push = Sent()
        action = AmazonShopping(ShoppingSettings(region="CN"), kept, push)
        asked = product("蓝色水杯", "zh")
        assert action.read_back(asked) == "要把蓝色水杯加入购物清单，并把亚马逊链接发给你吗？"
        assert action.perform(asked).spoken == "蓝色水杯已加入购物清单，亚马逊链接已发到你的手机。还没有下单。"
        assert push.link == "https://www.amazon.cn/s?k=%E8%93%9D%E8%89%B2%E6%B0%B4%E6%9D%AF"

    @pytest.mark.parametrize(
        ("region", "domain"),
        [("US", "com"), ("DE", "de"), ("GB", "co.uk"), ("JP", "co.jp"), ("CN", "cn"), ("AU", "com.au")],
    )
    def test_the_region_is_a_setting(self, kept: ShoppingList, region: str, domain: str) -> None:
        push = Sent()
        AmazonShopping(ShoppingSettings(region=region), kept, push).perform(product("lamp"))
        assert push.link == f"https://www.amazon.{domain}/s?k=lamp"

    def test_a_measure_is_searched_for_too(self, kept: ShoppingList) -> None:
        push = Sent()
        AmazonShopping(ShoppingSettings(), kept, push).perform(product("2 kg of coffee beans"))
        assert push.link == "https://www.amazon.com/s?k=2%20kg%20of%20coffee%20beans"

    def test_another_shop_in_its_place(self, kept: ShoppingList) -> None:
        push = Sent()
        jd = OtherShop(name="京东", search="https://search.jd.com/Search?keyword={query}&enc=utf-8")
        outcome = AmazonShopping(ShoppingSettings(region="CN", products=jd), kept, push).perform(product("台灯", "zh"))
        assert push.link == "https://search.jd.com/Search?keyword=%E5%8F%B0%E7%81%AF&enc=utf-8"
        assert outcome.spoken.startswith("台灯已加入购物清单，京东链接已发到")


class TestMeals:
    @pytest.mark.parametrize(
        ("said", "dish", "place"),
        [
            ("two margherita pizzas from Luigi's", "two margherita pizzas", "Luigi's"),
            ("burrito from el camino", "burrito", "el camino"),
            ("pad thai at thai palace", "pad thai", "thai palace"),
            ("burger from five guys with fries and a coke", "burger with fries and a coke", "five guys"),
            ("lamb from the mac and cheese house", "lamb", "the mac and cheese house"),
            ("chocolate cake", "chocolate cake", ""),
            ("from here", "from here", ""),
            ("鼎泰丰的小笼包", "小笼包", "鼎泰丰"),
            ("两份鼎泰丰的小笼包", "小笼包", "鼎泰丰"),
            ("鼎泰丰的不辣的小笼包", "不辣的小笼包", "鼎泰丰"),
            ("从肯德基点全家桶", "全家桶", "肯德基"),
            ("在麦当劳买巨无霸", "巨无霸", "麦当劳"),
            ("加州牛肉面大王的牛肉面", "牛肉面", "加州牛肉面大王"),
            ("小龙坎的毛肚", "毛肚", "小龙坎"),
            ("不辣的宫保鸡丁", "不辣的宫保鸡丁", ""),
            ("少糖的奶茶", "少糖的奶茶", ""),
            ("大份的牛肉面", "大份的牛肉面", ""),
            ("宫保鸡丁", "宫保鸡丁", ""),
            ("的", "的", ""),
        ],
    )
    def test_dish_and_place(self, said: str, dish: str, place: str) -> None:
        assert dish_and_place(said) == (dish, place)

    @pytest.mark.parametrize(
        ("said", "link"),
        [
            ("two margherita pizzas from Luigi's", "https://www.doordash.com/search/store/Luigi%27s/"),
            ("two margherita pizzas", "https://www.doordash.com/search/store/margherita%20pizzas/"),
            ("两份宫保鸡丁", "https://www.doordash.com/search/store/%E5%AE%AB%E4%BF%9D%E9%B8%A1%E4%B8%81/"),
            ("fish/chips from ../../evil", "https://www.doordash.com/search/store/..%20..%20evil/"),
        ],
    )
    def test_the_restaurant_is_searched_for_else_the_dish(self, kept: ShoppingList, said: str, link: str) -> None:
        push = Sent()
        outcome = DoordashDelivery(ShoppingSettings(), kept, push).perform(meal(said))
        assert push.link == link
        assert texts(kept) == [said]  # as it was said
        assert said in outcome.spoken
        assert "the DoorDash link to your phone. Nothing is ordered yet." in outcome.spoken

    @pytest.mark.parametrize("push", [None, Sent()], ids=["nowhere", "somewhere"])
    def test_where_there_is_no_such_shop_it_is_kept_and_said(self, kept: ShoppingList, push: Sent | None) -> None:
        action = DoordashDelivery(ShoppingSettings(region="DE"), kept, push)
        asked = meal("a pizza from Luigi's")
        assert action.read_back(asked) == "Shall I put a pizza from Luigi's on your list?"
        outcome = action.perform(asked)
        assert outcome.status == "done"
        assert outcome.spoken == (
            "I put a pizza from Luigi's on your list. DoorDash is not in your region; for a link, name a shop under "
            "shopping.meals in my settings file."
        )
        assert action.perform(meal("披萨", "zh", "k2")).spoken == (
            "披萨已加入购物清单。你的地区没有 DoorDash，想要链接，请在设置文件的 shopping.meals 里填一家店。"
        )
        assert not push or not push.sent

    def test_another_service(self, kept: ShoppingList) -> None:
        push = Sent()
        wolt = OtherShop(name="Wolt", search="https://wolt.com/en/search?q={query}")
        action = DoordashDelivery(ShoppingSettings(region="DE", meals=wolt), kept, push)
        assert "the Wolt link" in action.perform(meal("ramen from Takumi")).spoken
        assert push.link == "https://wolt.com/en/search?q=Takumi"


class TestGroceriesWithoutAKey:
    def test_one_thing_is_its_own_search(self, kept: ShoppingList) -> None:
        push = Sent()
        InstacartShopping(ShoppingSettings(region="CA"), kept, push).perform(groceries("three lemons"))
        assert push.link == "https://www.instacart.ca/store/s?k=lemons"

    def test_several_things_have_a_link_each(self, kept: ShoppingList) -> None:
        push = Sent()
        action = InstacartShopping(ShoppingSettings(), kept, push)
        asked = groceries("milk; half a dozen eggs; two avocados")
        assert action.read_back(asked) == (
            "Shall I put milk, half a dozen eggs and two avocados on your list and send you the Instacart link?"
        )
        action.perform(asked)
        assert push.link == "https://www.instacart.com/"
        assert push.sent[0]["text"].splitlines()[:3] == [
            "milk: https://www.instacart.com/store/s?k=milk",
            "half a dozen eggs: https://www.instacart.com/store/s?k=eggs",
            "two avocados: https://www.instacart.com/store/s?k=avocados",
        ]
        assert texts(kept) == ["milk", "half a dozen eggs", "two avocados"]

    def test_of_many_the_first_are_named_when_it_is_done(self, kept: ShoppingList) -> None:
        action = InstacartShopping(ShoppingSettings(), kept, Sent())
        asked = groceries("; ".join(f"thing {letter}" for letter in "abcdef"))
        assert "thing e and thing f" in action.read_back(asked)
        assert "I put thing a, thing b, thing c, thing d and 2 more on your list" in action.perform(asked).spoken
        chinese = groceries("一斤苹果; 两盒牛奶; 鸡蛋; 面包; 葱", "zh", "k2")
        assert action.perform(chinese).spoken.startswith("一斤苹果、两盒牛奶、鸡蛋、面包和另外1样已加入购物清单")

    @pytest.mark.parametrize("items", ["; ", ";;;", " ; . ", "\u200b"])
    def test_no_thing_at_all_is_a_question(self, kept: ShoppingList, items: str) -> None:
        action = InstacartShopping(ShoppingSettings(), kept, Sent())
        for step in (action.read_back, action.perform):
            with pytest.raises(Question, match="Which groceries should I get") as caught:
                step(groceries(items))
            assert caught.value.about in ("", "items")


def as_the_api_demands(seen: Seen) -> Answer:
    """What Instacart checks: https://docs.instacart.com/developer_platform_api/api/products/create_shopping_list_page."""
    if seen.headers["Authorization"] != f"Bearer {KEY}":
        return Answer(401, b'{"error": {"message": "Unauthorized", "code": 1001}}')
    body = seen.json
    right = (
        seen.method == "POST"
        and seen.path == "/idp/v1/products/products_link"
        and seen.headers["Accept"] == "application/json"
        and seen.headers["Accept-Language"] in ("en-US", "en-CA")
        and isinstance(body["title"], str)
        and body["title"]
        and body["link_type"] in ("shopping_list", "recipe")
        and len(body["line_items"]) > 0
        and all(_is_line_item(item) for item in body["line_items"])
        and set(body) <= {"title", "link_type", "line_items", "expires_in", "instructions", "image_url"}
    )
    return Answer(200, json.dumps({"products_link_url": PAGE}).encode()) if right else Answer(400, b'{"error": {}}')


def _is_line_item(item: dict[str, Any]) -> bool:
    measures = item.get("line_item_measurements", [])
    return (
        set(item) <= {"name", "display_text", "line_item_measurements", "filters", "upcs", "product_ids"}
        and isinstance(item["name"], str)
        and bool(item["name"].strip())
        and all(set(m) == {"quantity", "unit"} and m["quantity"] > 0 and m["unit"] in UNITS for m in measures)
    )


@pytest.fixture
def server(authority: tuple[trustme.CA, Path]) -> Iterator[WebServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert("127.0.0.1").configure_cert(context)
    running = WebServer(context)
    running.answer = as_the_api_demands
    yield running
    running.close()


@pytest.fixture
def settings(server: WebServer, authority: tuple[trustme.CA, Path]) -> ShoppingSettings:
    access = InstacartSettings(key=Secret(KEY), server=server.url, timeout=1.0, ca_file=authority[1])
    return ShoppingSettings(instacart=access)


class TestInstacartPage:
    def test_a_page_with_all_of_it(self, kept: ShoppingList, server: WebServer, settings: ShoppingSettings) -> None:
        push = Sent()
        said = (
            "milk; half a dozen eggs; two avocados; 2 liters of orange juice; a loaf of bread; 一斤苹果; 2 fl oz of rum"
        )
        outcome = InstacartShopping(settings, kept, push).perform(groceries(said))
        assert outcome.status == "done"
        assert push.link == PAGE
        assert "Nothing is ordered yet" in push.sent[0]["text"]
        assert "https://www.instacart.com/store/s" not in push.sent[0]["text"]
        (seen,) = server.seen
        assert [
            (item["name"], item["display_text"], *(item.get("line_item_measurements") or [{}])[0].values())
            for item in seen.json["line_items"]
        ] == [
            ("milk", "milk"),
            ("eggs", "half a dozen eggs", 6, "each"),
            ("avocados", "two avocados", 2, "each"),
            ("orange juice", "2 liters of orange juice", 2, "liter"),
            ("bread", "a loaf of bread", 1, "each"),
            ("苹果", "一斤苹果", 500, "gram"),
            ("rum", "2 fl oz of rum", 59.147, "milliliter"),
        ]

    def test_nothing_leaves_before_the_yes_or_without_somebody_to_send_it_to(
        self, kept: ShoppingList, server: WebServer, settings: ShoppingSettings
    ) -> None:
        InstacartShopping(settings, kept, Sent()).read_back(groceries("milk"))
        outcome = InstacartShopping(settings, kept, None).perform(groceries("milk"))
        assert outcome.spoken == (
            "I put milk on your list. To get the Instacart link, fill in the owner section of my settings file."
        )
        assert server.seen == []

    def test_a_wrong_key(self, kept: ShoppingList, settings: ShoppingSettings) -> None:
        assert settings.instacart
        wrong = msgspec.structs.replace(settings.instacart, key=Secret("keys.wr0ng"))
        push = Sent()
        action = InstacartShopping(msgspec.structs.replace(settings, instacart=wrong), kept, push)
        with pytest.raises(ActionError, match=r"Check the key in the shopping\.instacart settings") as caught:
            action.perform(groceries("milk"))
        assert caught.value.en.startswith("I put milk on your list, but the Instacart link did not go out.")
        assert caught.value.zh.startswith("milk已加入购物清单，但Instacart链接没有发出。")
        assert not isinstance(caught.value, NotNow)
        assert "wr0ng" not in repr(caught.value) + caught.value.zh
        assert (texts(kept), push.sent) == (["milk"], [])

    @pytest.mark.parametrize(
        "answer",
        [Answer(429), Answer(500), Answer(503), Answer(how="drop"), Answer(how="hang"), Answer(200, b"<html>sign in")],
        ids=["busy", "broken", "maintenance", "dropped", "slow", "captive portal"],
    )
    def test_what_may_work_later_waits_and_then_acts_once(
        self, kept: ShoppingList, server: WebServer, settings: ShoppingSettings, answer: Answer
    ) -> None:
        push = Sent()
        action = InstacartShopping(settings, kept, push)
        server.answer = answer
        with pytest.raises(NotNow) as caught:
            action.perform(groceries("milk"))
        assert caught.value.en.startswith("I put milk on your list. ")
        assert "Instacart" in caught.value.en.split(". ")[1]
        assert caught.value.en.endswith("I send you the Instacart link when that works again.")
        server.answer = as_the_api_demands
        assert action.perform(groceries("milk")).status == "done"
        assert (texts(kept), [sent["link"] for sent in push.sent]) == (["milk"], [PAGE])

    @pytest.mark.parametrize(
        "link",
        [
            "http://evil.example/",
            "javascript:alert(1)",
            "https://a b/",
            "https://[",
            7,
            None,
            "https://x/" + "y" * 3000,
        ],
    )
    def test_what_is_no_page_is_not_sent(
        self, kept: ShoppingList, server: WebServer, settings: ShoppingSettings, link: object
    ) -> None:
        push = Sent()
        server.answer = Answer(200, json.dumps({"products_link_url": link}).encode())
        with pytest.raises(ActionError, match="Instacart made no page"):
            InstacartShopping(settings, kept, push).perform(groceries("milk"))
        assert push.sent == []

    def test_an_answer_without_end_is_not_taken(
        self, kept: ShoppingList, server: WebServer, settings: ShoppingSettings
    ) -> None:
        server.answer = Answer(200, b"[" * 2_000_000)
        with pytest.raises(ActionError, match="more than I can take"):
            InstacartShopping(settings, kept, Sent()).perform(groceries("milk"))

    def test_the_page_is_made_once_though_the_push_fails_at_first(
        self, kept: ShoppingList, server: WebServer, settings: ShoppingSettings
    ) -> None:
        push = Sent(error=NotNow("I cannot reach ntfy now.", "现在连不上 ntfy。"))
        action = InstacartShopping(settings, kept, push)
        with pytest.raises(NotNow, match="I cannot reach ntfy now"):
            action.perform(groceries("milk"))
        push.error = None
        action.perform(groceries("milk"))
        assert len(server.seen) == 1
        assert push.link == PAGE


class TestAll:
    @pytest.mark.parametrize(("kind", "said"), SHOPPING)
    def test_each_is_an_action_that_asks_first(self, kept: ShoppingList, kind: type[Shopping], said: str) -> None:
        action: Action = kind(ShoppingSettings(), kept, Sent())
        asked = request(kind.name, said)
        assert isinstance(action, Action)
        assert asked.call.function.risk is Risk.SPENDING
        assert action.read_back(asked).endswith("?")
        assert action.read_back(request(kind.name, said, "zh")).endswith("吗？")
        with pytest.raises(Question):
            action.read_back(request(kind.name, ""))

    @pytest.mark.parametrize(("kind", "said"), SHOPPING)
    def test_the_same_key_twice_is_once(self, kept: ShoppingList, kind: type[Shopping], said: str) -> None:
        push = Sent()
        first = kind(ShoppingSettings(), kept, push).perform(request(kind.name, said))
        again = kind(ShoppingSettings(), kept, push).perform(request(kind.name, said))  # after a restart
        assert first == again
        assert len(push.sent) == 1
        assert len(texts(kept)) == len(said.split("; "))

    def test_without_a_key_each_request_is_its_own(self, kept: ShoppingList) -> None:
        push = Sent()
        action = AmazonShopping(ShoppingSettings(), kept, push)
        for _ in range(2):
            action.perform(product("two lamps", key=""))
        assert (texts(kept), len(push.sent)) == (["4 lamps"], 2)

    def test_a_push_that_fails_keeps_the_list_and_says_both(self, kept: ShoppingList) -> None:
        push = Sent(error=ActionError("Your ntfy topic is gone. Check it.", "ntfy 主题不存在。"))
        with pytest.raises(ActionError) as caught:
            AmazonShopping(ShoppingSettings(), kept, push).perform(product("lamp"))
        assert caught.value.en == (
            "I put lamp on your list, but the Amazon link did not go out. Your ntfy topic is gone. Check it."
        )
        assert not isinstance(caught.value, NotNow)
        assert texts(kept) == ["lamp"]

    def test_the_mailbox_is_named_in_chinese(self, kept: ShoppingList) -> None:
        outcome = AmazonShopping(ShoppingSettings(), kept, Sent("your mailbox")).perform(product("台灯", "zh"))
        assert "已发到你的邮箱" in outcome.spoken

    def test_a_list_that_was_damaged_is_told_once(self, tmp_path: Path) -> None:
        (tmp_path / FILE).write_bytes(b"no database at all" * 100)
        kept = ShoppingList(tmp_path)
        action = AmazonShopping(ShoppingSettings(), kept)
        assert "My shopping list was damaged" in action.perform(product("lamp", key="k1")).spoken
        assert "damaged" not in action.perform(product("lamp", key="k2")).spoken
        kept.close()

    def test_a_disk_that_fills_up_after_the_push_is_no_failure(
        self, kept: ShoppingList, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(key: str, where: str) -> None:
            raise DeviceError("The disk is full.")

        monkeypatch.setattr(kept, "mark_sent", full)
        assert AmazonShopping(ShoppingSettings(), kept, Sent()).perform(product("lamp")).status == "done"

    @pytest.mark.parametrize(
        "said",
        [
            "lamp\r\nBcc: x@example.net",
            "https://evil.example/?a=b&c=d#e",
            "\"><script>alert('x')</script>",
            "lamp&tag=evil-21#top",
            "../../gp/buy?",
            "x" * 10_000,
            "台灯\u202e\u2028\x00",
            "\ud800\udfff lamp",
            "{query} {0} %s %00",
            "'; DROP TABLE entries; --",
        ],
    )
    def test_hostile_words_stay_words(self, kept: ShoppingList, said: str) -> None:
        for kind in (AmazonShopping, DoordashDelivery):
            push = Sent()
            action = kind(ShoppingSettings(), kept, push)
            asked = request(kind.name, said, key=kind.name)
            assert len(action.read_back(asked)) < 500
            outcome = action.perform(asked)
            shop = shop_for(kind.kind, ShoppingSettings())
            assert shop
            before, _, after = shop.search.partition("{query}")
            assert push.link.startswith(before)
            assert push.link.endswith(after)
            words = push.link[len(before) : len(push.link) - len(after)]
            assert not set(words) & set("/?&#=\"'<>{} \r\n")
            assert "\n" not in push.sent[0]["title"] + outcome.spoken + outcome.detail
            assert len(push.link) < 2000
            assert len(outcome.spoken) < 500

    def test_words_and_links_reach_a_real_server(self, kept: ShoppingList, server: WebServer, tmp_path: Path) -> None:
        """With the push of the owner's settings: to ntfy's address, as ntfy documents it."""
        from actions.messages.ntfy import NtfySettings
        from actions.messages.push import OwnerSettings

        server.answer = Answer(200, b'{"id": "abc"}')
        plain = WebServer()
        plain.answer = Answer(200, b'{"id": "abc"}')
        owner = OwnerSettings(ntfy=NtfySettings(server=plain.url, topic=Secret("my-topic")))
        push: Push = OwnerPush(owner, None)
        asked = groceries("milk; eggs", key="0123456789abcdef")
        outcome = InstacartShopping(ShoppingSettings(), kept, push).perform(asked)
        plain.close()
        assert "sent the Instacart link to your phone" in outcome.spoken
        (seen,) = plain.seen
        assert seen.path == "/my-topic"
        assert seen.headers["Click"] == "https://www.instacart.com/"
        assert "eggs: https://www.instacart.com/store/s?k=eggs" in seen.body.decode()

    def test_no_network_at_all(self, kept: ShoppingList) -> None:
        access = InstacartSettings(key=Secret(KEY), server=f"https://127.0.0.1:{free_port()}", timeout=1.0)
        with pytest.raises(NotNow, match="I cannot reach Instacart now"):
            InstacartShopping(ShoppingSettings(instacart=access), kept, Sent()).perform(groceries("milk"))
        assert texts(kept) == ["milk"]


class TestSettings:
    @pytest.mark.parametrize(
        "search",
        [
            "http://www.example.com/?q={query}",
            "https://www.example.com/?q=",
            "https://{query}.example.com/",
            "https://user:pw@www.example.com/?q={query}",
            "https://www.example.com/?q={query} x",
            "https://www.example.com:port/?q={query}",
            "https://localhost\n/?q={query}",
            "javascript:{query}",
            "{query}",
            "https://[/{query}",
        ],
    )
    def test_a_search_is_an_address_with_a_place_for_words(self, search: str) -> None:
        with pytest.raises(ValueError, match="search must be an address"):
            OtherShop(name="X", search=search)

    @pytest.mark.parametrize("name", ["", " ", "\n", "x" * 41])
    def test_a_shop_has_a_name(self, name: str) -> None:
        with pytest.raises(ValueError, match="name must be"):
            OtherShop(name=name, search="https://www.example.com/?q={query}")

    def test_one_shop_for_groceries(self) -> None:
        shop = OtherShop(name="X", search="https://www.example.com/?q={query}")
        with pytest.raises(ValueError, match="leave one of them out"):
            ShoppingSettings(groceries=shop, instacart=InstacartSettings(key=Secret(KEY)))

    @pytest.mark.parametrize(
        "raw", [{"region": "usa"}, {"region": "us"}, {"instacart": {"key": "k", "server": "http://x.example"}}]
    )
    def test_mistakes(self, raw: dict[str, Any]) -> None:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(raw, ShoppingSettings, dec_hook=lambda kind, value: kind(value))

    def test_the_key_is_not_shown(self) -> None:
        assert KEY not in repr(ShoppingSettings(instacart=InstacartSettings(key=Secret(KEY))))

    @pytest.mark.parametrize(
        ("kind", "region", "search"),
        [
            (PRODUCTS, "XX", None),
            (GROCERIES, "GB", None),
            (MEALS, "CN", None),
            (MEALS, "AU", "https://www.doordash.com/search/store/{query}/"),
            (GROCERIES, "CA", "https://www.instacart.ca/store/s?k={query}"),
        ],
    )
    def test_shops_by_country(self, kind: str, region: str, search: str | None) -> None:
        shop = shop_for(kind, ShoppingSettings(region=region))
        assert (shop.search if shop else None) == search
