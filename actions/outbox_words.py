"""What a call is called when it is spoken of later: "the email to Anna", "给妈妈的短信". Knows the catalogue only."""

from __future__ import annotations

from actions.catalogue import FUNCTIONS, Call
from actions.wording import aloud, cut, say

_NAMES = {  # function: English and Chinese; `{argument}` is one of the call
    "send_email": ("the email to {recipient}", "给{recipient}的邮件"),
    "send_text": ("the text to {recipient}", "给{recipient}的短信"),
    "google_search": ("the search for {query}", "“{query}”的搜索"),
    "amazon_shopping": ("the shopping link for {product}", "{product}的购物链接"),
    "smart_recycling": ("the question about {item}", "关于{item}的问题"),
    "lost_and_found": ("the report about {item}", "关于{item}的登记"),
    "interior_design": ("the design for {room}", "{room}的设计"),
    "instacart_shopping": ("the groceries: {items}", "买{items}这件事"),
    "doordash_delivery": ("the order of {order}", "点{order}这件事"),
    "pet_care": ("the question about {animal}", "关于{animal}的问题"),
    "describe_scene": ("the question about the picture", "关于照片的问题"),
}
_LONGEST = 40  # characters of an argument inside a sentence


def named(call: Call, lang: str) -> str:
    """A noun phrase in the language for any call; of a function that is not known, "the request"."""
    if call.name not in _NAMES or call.name not in FUNCTIONS:
        return say(lang, "the request", "那个请求")
    words = {name: cut(aloud(value, lang), _LONGEST) or say(lang, "it", "它") for name, value in call.args.items()}
    return say(lang, *_NAMES[call.name]).format_map(words)
