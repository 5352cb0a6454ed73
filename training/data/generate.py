"""Makes the training set of the functional-token stage from what people wrote by hand.

    python -m training.data.generate --count 60000 --seed 1 --out train.jsonl

Sources: `bank/` (requests with calls), `heard/` (what a recogniser made of some of them), `values/` (content: names,
messages, goods, dishes, questions), and of the data folder the real utterances whose licence allows it and the
parallel sentences. The dev and test sets are never read but to drop what equals one of their requests.
"""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from actions.catalogue import JOINT, Call, make_call
from training.data import recombine, style
from training.data.heard import read_heard
from training.data.pictured import judged_keys as pictured_keys
from training.data.recombine import ARTICLES, ONE_MEASURE
from training.data.report import Reporter
from training.data.requests import Example, judged_keys, key, read_examples
from training.data.utterances import held_out, plain_sentences, real_utterances

HERE = Path(__file__).parent
LANGS = ("en", "zh")
PREFIX = re.compile(rf"^(?:{ARTICLES}|我们|我家|我的|我|{ONE_MEASURE})(?=\S)", re.IGNORECASE)

# frames around whole values, for content that has no request of its own yet
_FRAMES: dict[str, dict[str, list[str]]] = {
    lang: {kind: entry["frames"] for kind, entry in kinds.items()}
    for lang, kinds in tomllib.loads((HERE / "frames.toml").read_text(encoding="utf-8")).items()
}


_ARTICLE = re.compile(rf"^{ARTICLES}(?=\S)", re.IGNORECASE)


def without_article(value: str) -> str:
    """A search or a list of items without leading articles; what a Chinese one begins with belongs to it."""
    return JOINT.join(_ARTICLE.sub("", part, count=1) for part in value.split(JOINT))


def bare(value: str) -> str:
    """A value without its article, possessive or 一 + measure word."""
    return PREFIX.sub("", value, count=1)


class Values:
    """The content lists of one language."""

    def __init__(self, path: Path) -> None:
        self.lists: dict[str, list[str]] = defaultdict(list)
        slot = ""
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            if line.startswith("# slot:"):
                slot = line.split(":", 1)[1].strip()
            elif line.strip():
                self.lists[slot].append(line.strip())

    def __getitem__(self, slot: str) -> list[str]:
        return self.lists[slot]


def framed(values: Values, lang: str, random: Random) -> Example | None:
    """A value in a plain frame."""
    kind = random.choice([*_FRAMES[lang], "message", "email", "question", "petneed", "lost"])
    frame = random.choice(_FRAMES[lang].get(kind, ("",)))
    slot = {"email": "message", "found": "lost", "design": "style"}.get(kind, kind)
    if not values[slot]:
        return None
    value = random.choice(values[slot])
    if kind in ("message", "email"):
        surface = random.choice(values["recipient"])
        recipient = bare(surface)
        text = frame.format(r=surface, m=value)
        call = (
            make_call("send_text", recipient, value)
            if kind == "message"
            else make_call("send_email", recipient, "", value)
        )
    elif kind == "question":
        text, call = value, make_call("google_search", value)
    elif kind == "petneed":
        text, _, rest = (part.strip() for part in value.partition("=>"))
        animal, bar, need = (part.strip() for part in rest.partition("|"))
        if not bar:
            return None
        call = make_call("pet_care", animal, need)
    elif kind == "design":
        room = random.choice(values["room"])
        text, call = frame.format(r=room, s=value), make_call("interior_design", bare(room), value)
        text = (
            text.replace("the the ", "the ")
            .replace("the my ", "my ")
            .replace("the our ", "our ")
            .replace("the a ", "the ")
        )
    elif kind == "groceries":
        items = value.split(JOINT)
        text, call = (
            frame.format(v=spoken_list(items, lang, random)),
            make_call("instacart_shopping", without_article(value)),
        )
        if frame in ("buy {v}", "i need {v}", "买{v}", "帮我买{v}", "下单{v}", "我要买{v}") and len(items) < 2:
            return None
    elif kind in ("lost", "found"):
        text, call = frame.format(v=value), make_call("lost_and_found", kind, bare(value))
    elif kind == "query":
        text, call = frame.format(v=value), make_call("google_search", without_article(value))
    else:
        name = {"product": "amazon_shopping", "recycle": "smart_recycling", "order": "doordash_delivery"}[kind]
        text, call = frame.format(v=value), make_call(name, bare(value))
    return Example(text, (call,), "plain", "framed")


def spoken_list(items: list[str], lang: str, random: Random) -> str:
    if lang == "zh":
        return (
            random.choice(("、", "，", "和", " ", "")).join(items[:-1])
            + random.choice(("和", "、", "还有"))
            + items[-1]
            if len(items) > 1
            else items[0]
        )
    if len(items) == 1:
        return items[0]
    comma = random.choice((", ", ", ", " ", " and "))
    return (
        comma.join(items[:-1])
        + random.choice((" and ", ", and ", " and some " if not items[-1][0].isdigit() else " and "))
        + items[-1]
    )


def valued_recombiner(examples: list[Example], values: dict[str, Values]) -> recombine.Recombiner:
    """Hand-written requests whose slots also take the content lists."""
    more = []
    slots = {
        "product": ("product", "amazon_shopping"),
        "recycle": ("item", "smart_recycling", ""),
        "order": ("order", "doordash_delivery"),
        "style": ("style", "interior_design"),
        "room": ("room", "interior_design"),
        "animal": ("animal", "pet_care"),
        "recipient": ("recipient",),
    }
    for lang in LANGS:
        for name, slot in slots.items():
            more += [((lang, *slot), value, bare(value)) for value in values[lang][name]]
        for value in values[lang]["lost"]:
            more += [((lang, "item", "lost_and_found", report), value, bare(value)) for report in ("lost", "found")]
        for value in values[lang]["message"]:
            more += [
                ((lang, "text", before), value, value) for before in ("that", "saying", "say", "说", ":", "：", "告诉")
            ]
        for value in values[lang]["query"]:
            more += [
                ((lang, "query", before), value, without_article(value))
                for before in ("for", "up", "google", "search", "搜索", "查", "下", "搜")
            ]
    return recombine.Recombiner(examples, more)


def generate(count: int, seed: int, data: Path) -> Iterator[Example]:
    """`count` examples; the same seed gives the same ones."""
    random = Random(seed)
    bank = [example for path in sorted((HERE / "bank").glob("*.txt")) for example in read_examples(path)]
    judged = judged_keys() | pictured_keys()
    values = {lang: Values(HERE / "values" / f"{lang}.txt") for lang in LANGS}
    bank = [e for e in bank if key(e.text) not in judged]
    by_lang = {lang: [e for e in bank if e.lang == lang] for lang in LANGS}
    single = {
        lang: [
            e
            for e in by_lang[lang]
            if len(e.calls) == 1 and e.calls[0].name != "none" and e.kind not in ("missing", "correction")
        ]
        for lang in LANGS
    }
    recombiner = valued_recombiner(bank, values)
    langs = {lang: recombine.Recombiner(by_lang[lang]) for lang in LANGS}
    for r in langs.values():
        r.values = recombiner.values
    reporter = Reporter(bank)
    for lang in LANGS:
        reporter.messages[lang] += [m for m in values[lang]["message"] if re.search(r"\byou|[你您]", m)]
        reporter.recipients[lang] += [(r, bare(r)) for r in values[lang]["recipient"]]
    real: dict[tuple[str, str], list[Example]] = defaultdict(list)
    for e in real_utterances(data) if data.exists() else ():
        if not held_out(e.text) and key(e.text) not in judged:
            real[(e.lang, e.calls[0].name)].append(e)

    heard: dict[str, list[Example]] = defaultdict(list)
    for e in read_heard(bank):
        heard[e.lang].append(e)
    sentences: dict[str, list[Example]] = defaultdict(list)
    for e in plain_sentences(data):
        sentences[e.lang].append(e)

    def one(lang: str) -> Example | None:
        return random.choices([single_request, lambda _: framed(values[lang], lang, random)], (3, 2))[0](lang)

    def single_request(lang: str) -> Example:
        return langs[lang].sample(random) if random.random() < 0.7 else random.choice(single[lang])

    def several(lang: str) -> Example | None:
        parts = [one(lang) for _ in range(random.choices((2, 3), (5, 1))[0])]
        good = [
            p
            for p in parts
            if p and len(p.calls) == 1 and p.calls[0].name != "none" and "?" not in p.text and "？" not in p.text
        ]
        return style.join(good, random) if len(good) > 1 else None

    def refused(lang: str) -> Example | None:
        kind = random.random()
        if kind < 0.45 and real[(lang, "none")]:
            return random.choice(real[(lang, "none")])
        if kind < 0.75 and values[lang]["unsupported"]:
            return Example(
                random.choice(values[lang]["unsupported"]), (make_call("none", "unsupported"),), "none", "values"
            )
        if kind < 0.87 and values[lang]["unclear"]:
            return Example(random.choice(values[lang]["unclear"]), (make_call("none", "unclear"),), "none", "values")
        return random.choice([e for e in by_lang[lang] if e.kind == "none"])

    makers: list[tuple[float, Callable[[str], Example | None]]] = [
        (0.42, lambda lang: random.choice(by_lang[lang])),
        (0.13, lambda lang: random.choice(heard[lang]) if heard[lang] else None),
        (0.08, lambda lang: random.choice(sentences[lang]) if sentences[lang] else None),
        (0.13, lambda lang: langs[lang].sample(random)),
        (0.14, lambda lang: framed(values[lang], lang, random)),
        (0.11, several),
        (0.06, lambda lang: reporter.sample(random, lang)),
        (0.03, lambda lang: recombine.correct(langs[lang].sample(random), langs[lang], random)),
        (0.05, lambda lang: style.sign(random.choice(single[lang]), random)),
        (0.16, refused),
        (0.03, lambda lang: random.choice(real[(lang, "google_search")]) if real[(lang, "google_search")] else None),
    ]
    made = 0
    while made < count:
        lang = random.choice(LANGS)
        example = random.choices([m for _, m in makers], [w for w, _ in makers])[0](lang)
        if example is None or key(example.text) in judged:
            continue
        if not example.calls:
            made += 1
            yield example
            continue
        if random.random() < 0.08 and example.source != "heard":
            example = style.open_with(example, random)
        if random.random() < 0.45 and example.source != "signed":
            example = style.as_recognised(example)
            if random.random() < 0.18 and example.kind != "correction" and example.source != "heard":
                example = style.hesitate(example, random)
        if not example.text.strip() or any(c.name == "send_text" and "@" in c.args["recipient"] for c in example.calls):
            continue
        made += 1
        yield tidy(example)


def tidy(example: Example) -> Example:
    """Arguments without a final full stop, as the contract has it."""
    calls = tuple(
        Call(
            c.name,
            {
                n: v.strip().rstrip("。，,")
                if not re.search(r"\.$", v)
                else v.strip()[:-1]
                if not re.search(r"\b[A-Za-z]\.$", v)
                else v
                for n, v in c.args.items()
            },
        )
        for c in example.calls
    )
    return replace(example, calls=calls)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    names: Counter[str] = Counter()
    with options.out.open("w", encoding="utf-8") as out:
        for example in generate(options.count, options.seed, options.data):
            names.update(c.name for c in example.calls)
            calls = [[c.name, *c.args.values()] for c in example.calls]
            out.write(
                json.dumps(
                    {"text": example.text, "calls": calls, "kind": example.kind, "source": example.source},
                    ensure_ascii=False,
                )
                + "\n"
            )
    print(dict(names))


if __name__ == "__main__":
    main()
