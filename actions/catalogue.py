"""The only table of functions: what tako can do, in which order the arguments come, what must be asked first.

The order of `CATALOGUE` is the order of the functional tokens in the model's vocabulary and never changes;
a new function goes to the end. Nothing here knows how a function is carried out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Risk(Enum):
    """What a wrong call of a function would cost, and so what happens before it is carried out."""

    SAFE = "safe"  # acts at once
    SENSITIVE = "sensitive"  # reads back what it is about to do and asks for a yes
    SPENDING = "spending"  # never pays; asks before it prepares a purchase


@dataclass(frozen=True)
class Argument:
    """One argument of a function: a string in the language of the request."""

    name: str
    required: bool = True
    choices: tuple[str, ...] = ()  # when not empty, the only values allowed
    rewritten: bool = (
        False  # what another person reads: "he should" becomes "you should"; all others copy what was said
    )


@dataclass(frozen=True)
class Function:
    """One function of the catalogue and the functional token that stands for it."""

    name: str
    arguments: tuple[Argument, ...]
    risk: Risk
    en: str  # what it does, in a few words fit to be spoken ("I can ...")
    zh: str

    @property
    def argument_names(self) -> tuple[str, ...]:
        return tuple(argument.name for argument in self.arguments)


@dataclass(frozen=True)
class Call:
    """One function with its arguments, all of the catalogue's names present; a missing one is the empty string."""

    name: str
    args: dict[str, str] = field(default_factory=dict)

    @property
    def function(self) -> Function:
        return FUNCTIONS[self.name]

    def missing(self) -> tuple[str, ...]:
        """Names of the required arguments that are still empty."""
        return tuple(a.name for a in self.function.arguments if a.required and not self.args[a.name])


def _required(*names: str) -> tuple[Argument, ...]:
    return tuple(Argument(name) for name in names)


ITEMS, JOINT = "items", "; "  # the argument that holds several things, and what stands between them

CATALOGUE: tuple[Function, ...] = (
    Function(
        "send_email",
        (Argument("recipient"), Argument("subject", required=False), Argument("body", rewritten=True)),
        Risk.SENSITIVE,
        "write an email",
        "写邮件",
    ),
    Function(
        "send_text",
        (Argument("recipient"), Argument("message", rewritten=True)),
        Risk.SENSITIVE,
        "send a text",
        "发短信",
    ),
    Function("google_search", _required("query"), Risk.SAFE, "search the web", "上网搜索"),
    Function("amazon_shopping", _required("product"), Risk.SPENDING, "shop for things", "买东西"),
    Function("smart_recycling", _required("item"), Risk.SAFE, "say which bin something goes in", "告诉你垃圾怎么分类"),
    Function(
        "lost_and_found",
        (Argument("report", choices=("found", "lost")), Argument("item")),
        Risk.SAFE,
        "look after lost and found things",
        "登记失物招领",
    ),
    Function(
        "interior_design",
        (Argument("room", required=False), Argument("style")),
        Risk.SAFE,
        "restyle a room",
        "设计房间风格",
    ),
    Function("instacart_shopping", _required(ITEMS), Risk.SPENDING, "order groceries", "买菜"),
    Function("doordash_delivery", _required("order"), Risk.SPENDING, "order dinner", "点外卖"),
    Function("pet_care", _required("animal", "request"), Risk.SAFE, "answer questions about pets", "回答养宠物的问题"),
    Function("describe_scene", _required("question"), Risk.SAFE, "say what I see", "说说我看到了什么"),
    Function("none", (Argument("reason", choices=("unsupported", "unclear")),), Risk.SAFE, "", ""),
)
FUNCTIONS: dict[str, Function] = {function.name: function for function in CATALOGUE}
NONE = FUNCTIONS["none"]


def make_call(name: str, *values: str) -> Call:
    """A call from values in the catalogue's order. Raises `ValueError` when they do not fit the function."""
    function = FUNCTIONS.get(name)
    if function is None:
        raise ValueError(f"there is no function {name!r}")
    if len(values) != len(function.arguments):
        raise ValueError(f"{name} takes {len(function.arguments)} arguments, not {len(values)}")
    for argument, value in zip(function.arguments, values, strict=True):
        if argument.choices and value not in argument.choices:
            raise ValueError(f"{name}: {argument.name} is one of {', '.join(argument.choices)}, not {value!r}")
    return Call(name, dict(zip(function.argument_names, values, strict=True)))
