"""The scenes of the walk: what is said, what is answered, and what must come of it. Knows nothing of how it is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Photo:
    """What the camera sees: of the photos with this source and label that no training saw, the first."""

    source: str
    label: str


@dataclass(frozen=True)
class Reply:
    """What is answered to a question that `asked` matches (a regular expression, in any case)."""

    asked: str
    says: str


@dataclass(frozen=True)
class Scene:
    """One turn. `title` when it shows more than its function."""

    said: str  # as a person would say it, without punctuation
    calls: Mapping[str, str]  # function to a regular expression that the arguments match, joined by ", "; in order
    statuses: tuple[str, ...]  # of all outcomes; an offer that was taken has one of its own
    arrives: tuple[tuple[str, str], ...] = ()  # counterpart, and a regular expression that the message matches
    replies: tuple[Reply, ...] = ()
    photo: Photo | None = None
    title: str = ""

    @property
    def lang(self) -> str:
        return "en" if self.said.isascii() else "zh"


@dataclass(frozen=True)
class Person:
    """Somebody in the walk's contacts."""

    name: str
    email: str = ""
    phone: str = ""
    aliases: tuple[str, ...] = ()


MAIL, PHONE, PUSH, SEARCH = "mail server", "phone", "owner's phone", "search server"
PEOPLE = (
    Person("Anna Berg", "anna@example.com", "+1 202 555 0101", ("anna",)),
    Person("Rita Lind", "mom@example.com", "+1 202 555 0102", ("mom",)),
    Person("Ben Okafor", "ben@example.com", "+1 202 555 0103", ("ben",)),
    Person("Frank Lind", "dad@example.com", "+1 202 555 0104", ("dad",)),
    Person("Mark Fisher", "mark@example.com", "+1 202 555 0105"),
    Person("Marc Fletcher", "marc@example.com", "+1 202 555 0106"),
    Person("小明", "xiaoming@example.com", "+86 10 5550 0100"),
)
YES = Reply(r"^shall i|^要", "yes")
SCENES = (
    Scene(
        "email anna that i found this at the market",
        {"send_email": r"anna.*i found this at the market"},
        ("done",),
        ((MAIL, r"^to Anna Berg <anna@example\.com>.*i found this at the market.*image/jpeg"),),
        (Reply(r"anna berg with the photo", "yes"),),
        Photo("grocery", "Mango"),
        "with the photo it points at",
    ),
    Scene(
        "给小明发邮件主题是周报说报告已经完成了",
        {"send_email": "小明.*周报.*报告已经完成"},
        ("done",),
        ((MAIL, r"^to .*<xiaoming@example\.com>.*周报.*报告已经完成"),),
        (Reply("小明", "是的"),),
    ),
    Scene(
        "text dad that the train is late",
        {"send_text": r"dad, the train is late"},
        ("done",),
        ((PHONE, r"Frank Lind.*\+12025550104.*the train is late"),),
        (Reply(r"text frank lind", "yes"),),
    ),
    Scene(
        "send a text to ben",
        {"send_text": r"^ben$"},
        ("done",),
        ((PHONE, r"Ben Okafor.*the keys are under the mat"),),
        (
            Reply(r"what should i text", "tell him the keys are under the mat"),
            Reply(r"ben okafor.*under the mat", "yes"),
        ),
        title="something is missing: tako asks for it",
    ),
    Scene(
        "text mom that dinner is ready",
        {"send_text": r"mom, dinner is ready"},
        ("done",),
        ((PHONE, r"Anna Berg.*dinner is ready"),),
        (Reply(r"rita lind", "no, I said Anna"), Reply(r"anna berg", "yes")),
        title="a correction",
    ),
    Scene(
        "text mark that i am on my way",
        {"send_text": r"mar[ck], i.*m on my way"},
        ("done",),
        ((PHONE, r"Mark Fisher.*on my way"),),
        (Reply(r"mark fisher.*or marc fletcher", "the first one"), Reply(r"text mark fisher", "yes")),
        title="two names that sound alike: tako asks which",
    ),
    Scene(
        "text dad that i sold the car",
        {"send_text": r"dad, i sold the car"},
        ("cancelled",),
        (),
        (Reply(r"frank lind", "cancel"),),
        title="a cancelled one: nothing arrives anywhere",
    ),
    Scene(
        "跟小明说我晚点到",
        {"send_text": "小明, 我晚点到"},
        ("done",),
        ((PHONE, "小明.*我晚点到"),),
        (Reply("小明.*我晚点到", "好的"),),
    ),
    Scene(
        "who painted the night watch",
        {"google_search": r"who painted the night watch"},
        ("done", "done"),
        ((SEARCH, r"who painted the night watch"), (PUSH, r"night watch.*https://")),
        (Reply(r"send you the link", "yes"),),
        title="with the link sent on request",
    ),
    Scene(
        "长城有多长",
        {"google_search": "长城有多长"},
        ("done",),
        ((SEARCH, "长城"),),
        (Reply("链接", "不用了"),),
    ),
    Scene(
        "order these on amazon",
        {"amazon_shopping": r"shoe|heel|pump|sandal"},
        ("done",),
        ((PUSH, r"amazon.*https://"),),
        (YES,),
        Photo("clothing", "shoes"),
    ),
    Scene(
        "在亚马逊上买一个蓝色水杯",
        {"amazon_shopping": "蓝色水杯"},
        ("done",),
        ((PUSH, "蓝色水杯.*https://"),),
        (YES,),
    ),
    Scene(
        "which bin does this go in",
        {"smart_recycling": r"glass|bottle"},
        ("done",),
        photo=Photo("trashnet", "glass"),
    ),
    Scene(
        "which bin does a pizza box go in",
        {"smart_recycling": r"pizza box"},
        ("done",),
        replies=(Reply(r"greas|food", "no"),),
        title="the rule depends: tako asks",
    ),
    Scene("塑料瓶应该扔哪个垃圾桶", {"smart_recycling": "塑料瓶"}, ("done",)),
    Scene(
        "i lost my black umbrella at the station",
        {"lost_and_found": r"lost, black umbrella"},
        ("done",),
    ),
    Scene(
        "i found an umbrella at the station",
        {"lost_and_found": r"found, umbrella"},
        ("done", "done"),
        replies=(Reply(r"settled", "yes"),),
        title="and somebody finds it",
    ),
    Scene("我捡到了这个", {"lost_and_found": "found, .*帽"}, ("done",), photo=Photo("clothing", "hat")),
    Scene(
        "redo this in japanese style",
        {"interior_design": r"bedroom, japanese"},
        ("done", "done"),
        ((PUSH, r"kB"),),
        (Reply(r"mood board|picture", "yes"),),
        Photo("rooms", "bedroom"),
        "with a mood board sent on request",
    ),
    Scene(
        "把客厅改成北欧风格",
        {"interior_design": "客厅, 北欧"},
        ("done",),
        replies=(Reply("图|板", "不用了"),),
    ),
    Scene(
        "add milk eggs and two avocados to my instacart",
        {"instacart_shopping": r"milk; eggs; two avocados"},
        ("done",),
        ((PUSH, r"instacart.*avocados.*https://"),),
        (YES,),
    ),
    Scene(
        "帮我买两盒牛奶和一斤苹果",
        {"instacart_shopping": "两盒牛奶; 一斤苹果"},
        ("done",),
        ((PUSH, "牛奶.*苹果.*https://"),),
        (YES,),
    ),
    Scene(
        "i want a burrito from el camino",
        {"doordash_delivery": r"burrito from el camino"},
        ("done",),
        ((PUSH, r"burrito.*https://"),),
        (YES,),
    ),
    Scene(
        "点一份牛肉面外卖",
        {"doordash_delivery": "牛肉面"},
        ("done",),
        ((PUSH, "牛肉面.*https://"),),
        (YES,),
    ),
    Scene("what should i feed her", {"pet_care": r"cat, what should i feed"}, ("done",), photo=Photo("pets", "cat")),
    Scene("我的仓鼠可以吃葡萄吗", {"pet_care": "仓鼠, .*葡萄"}, ("done",)),
    Scene(
        "remind me to feed the cat every day at eight",
        {"pet_care": r"cat, .*every day at (eight|8)"},
        ("done",),
        title="a reminder",
    ),
    Scene(
        "what am i looking at",
        {"describe_scene": r"what am i looking at"},
        ("done",),
        photo=Photo("grocery", "Banana"),
    ),
    Scene("这是什么", {"describe_scene": "这是什么"}, ("done",), photo=Photo("caltech101", "headphone")),
    Scene("turn off the lights", {"none": r"unsupported"}, ("declined",), title="what tako cannot do"),
    Scene(
        "text dad that i am late and order two pizzas",
        {"send_text": r"dad, i am late", "doordash_delivery": r"two pizzas"},
        ("done", "done"),
        ((PHONE, r"Frank Lind.*i am late"), (PUSH, r"two pizzas.*https://")),
        (Reply(r"frank lind", "yes"), YES),
    ),
)
