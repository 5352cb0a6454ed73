"""Makes the picture half of the training set: requests and questions with what the model sees when they are asked.

    python -m training.vision.pictures --heads runs/tower/heads.npz --tower runs/tower/tower.pt --data ../shared/data
        --count 20000 --seed 1 --out runs/pictures

Writes `pictures.npz` (one view a row: word slots as ids and weights, sureness, the feature) and `pictures.jsonl`:
requests with calls ("functions"), and questions with a sentence for an answer ("align"), each with the row of what is
seen.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from actions.catalogue import make_call
from agent.colors import color_features, shrunk
from agent.concepts import Concepts
from agent.language import language_of
from agent.sight import Projection
from training.data import style
from training.data.pictured import HERE, NEEDLESS, USELESS, Pointing, read_pointing
from training.data.pictured import judged_keys as pictured_keys
from training.data.requests import JUDGED, Example, judged_keys, key
from training.vision.blank import blank_pictures
from training.vision.dream import Dream
from training.vision.heads import open_tower
from training.vision.photos import PERMISSIVE, Photo, read_photos
from training.vision.scenes import KINDS, Scene, Scenes
from training.vision.table import COLORS, MATERIALS, ROOMS, Concept, read_concepts

ANSWERS = HERE / "answers"
NUMBERS = {
    "1": ("one", "一"),
    "2": ("two", "两"),
    "3": ("three", "三"),
    "4": ("four", "四"),
    "5": ("five", "五"),
    "many": ("several", "好几"),
}
UNCOUNTED = frozenset(  # last words of names that take no article, though they do not look like plurals
    (
        *("milk", "juice", "yogurt", "paper", "cardboard", "foil", "garlic", "ginger", "asparagus", "cream", "water"),
        *("broccoli", "corn", "hummus", "skis"),
    )
)


def release_table(concepts: list[Concept]) -> dict[str, Any]:
    """What `concepts.json` of a release holds."""
    return {
        "concepts": [c.row for c in concepts],
        "color": [list(pair) for pair in COLORS.items()],
        "material": [list(pair) for pair in MATERIALS.items()],
        "room": [list(pair) for pair in ROOMS.items()],
    }


def with_article(name: str) -> str:
    """The name with a or an, where English has one."""
    plural = name.endswith("s") and not name.endswith(("ss", "us", "is"))  # a bus, an ibis
    if plural or name.split()[-1] in UNCOUNTED:
        return name
    vowel = name[0].lower() in "aeiou" and not name.lower().startswith(("uni", "eu"))
    return f"{'an' if vowel or name.startswith('hour') else 'a'} {name}"


class Answers:
    """Questions with answers about what is seen."""

    def __init__(self, lang: str) -> None:
        self.language = ("en", "zh").index(lang)
        self.lines: dict[str, list[tuple[str, str]]] = {}
        asks = ""
        for line in (ANSWERS / f"{lang}.txt").read_text(encoding="utf-8").splitlines():
            if line.startswith("# asks:"):
                asks = line.split(":")[1].strip()
            elif "=>" in line:
                question, _, answer = line.partition("=>")
                self.lines.setdefault(asks, []).append((question.strip(), answer.strip()))

    def about(self, scene: Scene, random: Random) -> tuple[str, str] | None:
        """A question that can be asked of the scene, and what is true to say."""
        k = self.language
        if scene.room[0]:
            asks = "room"
        elif scene.concept is None:
            asks = "useless"
        elif not scene.sure:
            asks = "unsure"
        else:
            can = ["name", "name", "plain", "general", "yes", "no", "unable"]
            can += ["describe"] * 6 * bool(scene.caption[k]) + ["color"] * 2 * bool(scene.color[0])
            can += ["material"] * bool(scene.material[0]) + ["count"] * (scene.count in NUMBERS)
            asks = random.choice(can)
        question, answer = random.choice(self.lines[asks])
        if asks == "useless":  # whatever was asked: the picture decides, not the question
            question = random.choice(
                [q for lines in self.lines.values() for q, _ in lines if not re.search(r"[@{]", q)]
            )
        values = self._values(scene)
        needed = set(re.findall(r"\{\w+\}|@s?(?![a-z])", f"{question} {answer}"))
        if any(not values.get(mark) for mark in needed):
            return None
        for mark in sorted(needed, key=len, reverse=True):
            question, answer = question.replace(mark, values[mark]), answer.replace(mark, values[mark])
        return question, answer[:1].upper() + answer[1:]

    def _values(self, scene: Scene) -> dict[str, str]:
        k, c, other = self.language, scene.concept, scene.second
        values = {
            "{color}": scene.color[k],
            "{material}": scene.material[k],
            "{count}": NUMBERS.get(scene.count, ("", ""))[k],
            "{caption}": scene.caption[k],
            "{room}": scene.room[k],
            "{a_room}": with_article(scene.room[0]) if scene.room[0] else "",
        }
        if c is not None and other is not None:
            if scene.before is not None:  # who is not sure says what looks likelier first
                c, other = scene.before, c
            name, second = (c.en, c.zh)[k][0], (other.en, other.zh)[k][0]
            values |= {"@": name, "@s": c.plural if k == 0 else name, "{a}": with_article(name), "{other}": second}
            values |= {"{a_other}": with_article(second)}
            values |= {"{general}": c.general[k], "{a_general}": with_article(c.general[k])}
        return values


def requests_of(folder: str, lang: str) -> list[Pointing]:
    """The requests of a folder; those of the bank without what is word for word in a set that judges."""
    lines = read_pointing(HERE / folder / f"{lang}.txt")
    if folder in JUDGED:
        return lines
    judged = judged_keys() | pictured_keys()
    return [line for line in lines if key(line.text) not in judged]


def emptied(line: Pointing) -> Example:
    """The request of a line when nothing is seen: every argument that points is empty."""
    calls = tuple(make_call(c.name, *("" if "@" in v else v for v in c.args.values())) for c in line.calls)
    return Example(line.text, calls, "photo", line.photo)


def asked(line: Pointing, scenes: Scenes, random: Random) -> tuple[Example, Scene | None] | None:
    """The request of a line with a scene that fits it, or with no picture at all."""
    k = ("en", "zh").index(line.lang)
    if line.photo == USELESS:  # a request that is only ever asked of nothing would teach the words, not the picture
        return (emptied(line), scenes.blank()) if random.random() < 0.3 else None
    if line.photo == NEEDLESS or not line.marks:
        scene = scenes.room() if line.photo == "room" else scenes.of_kind(KINDS.get(line.photo, KINDS["anything"]))
        return (line.filled(lambda mark: ""), scene) if scene else None
    if random.random() < 0.1:
        return emptied(line), scenes.blank()
    if random.random() < 0.07:
        return emptied(line), None
    if line.photo == "room":
        scene: Scene | None = scenes.room()
    elif line.photo == "waste":
        rare = frozenset({"product", "grocery", "fruitveg"})
        scene = scenes.of_kind(frozenset({"container"}) if random.random() < 0.8 else rare)
    else:
        scene = scenes.of_kind(KINDS.get(line.photo, frozenset({line.photo})))
    if scene is None or not scene.fits(line.photo):
        return None
    if random.random() < 0.06:
        scene = scenes.mistaken(scene, line.photo)
    return line.filled(lambda mark: scene.word(mark, k)), scene


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tower", type=Path, required=True)
    parser.add_argument("--heads", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--release", type=Path, default=Path("models/text"))
    parser.add_argument("--sources", nargs="+", default=sorted(PERMISSIVE))
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bank", default="bank", help="folder of requests below training/data/pictures")
    parser.add_argument("--part", default="train", help="of the photos")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    random = Random(options.seed)
    tokenizer = Tokenizer.from_file(str(options.release / "tokenizer.json"))
    table = read_concepts()
    names = Concepts(release_table(table), tokenizer)
    heads = dict(np.load(options.heads))
    projection = Projection.untaught(heads)
    by_file = {p.file: p for p in read_photos(options.data)}
    every: list[Photo] = [by_file[f] for f in heads["files"].tolist()]
    learnt = [i for i, p in enumerate(every) if p.part == options.part and p.source in options.sources]
    photos = [every[i] for i in learnt]
    model, _, _ = open_tower(options.tower)
    blanks = []
    for image in blank_pictures(random, [options.data / p.file for p in photos[:2000]], 240):
        square = model.tower.eye.square(image)
        with torch.no_grad():
            feature = model.tower(torch.from_numpy(model.tower.eye.pixels(square))).mean((2, 3))[0].numpy()
        blanks.append((feature, color_features(shrunk(square))))
    scenes = Scenes(
        table,
        names,
        projection,
        Dream(heads["dream_mean"], heads["dream_classes"], heads["dream_spread"]),
        photos,
        heads["features"][learnt].astype(np.float32),
        heads["colors"][learnt].astype(np.float32),
        blanks,
        options.seed,
    )
    bank = {lang: requests_of(options.bank, lang) for lang in ("en", "zh")}
    answers = {lang: Answers(lang) for lang in ("en", "zh")}
    rows: list[dict[str, Any]] = []
    seen: list[Scene] = []
    counts: Counter[str] = Counter()
    while len(rows) < options.count:
        lang = random.choice(("en", "zh"))
        if random.random() < 0.7:
            found = asked(random.choice(bank[lang]), scenes, random)
            if found is None:
                continue
            example, scene = found
            if random.random() < 0.45:
                example = style.as_recognised(example)
                if random.random() < 0.12:
                    example = style.hesitate(example, random)
            calls = [[c.name, *c.args.values()] for c in example.calls]
            row = {"text": example.text, "calls": calls, "kind": "photo", "source": "pictures"}
            counts.update(c.name for c in example.calls)
            if scene is None:
                rows.append(row)
                continue
            row["view"] = len(seen)
        else:
            draw = random.random()
            told_of = KINDS["anything"] | {"dog", "cat", "pet", "building"}
            drawn = scenes.blank() if draw < 0.07 else scenes.room() if draw < 0.14 else scenes.of_kind(told_of)
            told = answers[lang].about(drawn, random) if drawn else None
            if drawn is None or told is None or language_of(told[0]) != lang:
                continue
            scene = drawn
            row = {"text": told[0], "answer": told[1], "kind": "align", "source": "answers", "view": len(seen)}
            counts["answers"] += 1
        rows.append(row)
        seen.append(scene)
    wordings = [names.wording(s.names, projection.attributes(s.feature, s.colors)) for s in seen]
    options.out.mkdir(parents=True, exist_ok=True)
    np.savez(
        options.out / "pictures.npz",
        ids=np.stack([w.ids for w in wordings]).astype(np.int32),
        weights=np.stack([w.weights for w in wordings]).astype(np.float16),
        sureness=np.stack([w.sureness for w in wordings]).astype(np.float16),
        features=np.stack([s.feature for s in seen]).astype(np.float16),
    )
    with (options.out / "pictures.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    print(dict(counts))


if __name__ == "__main__":
    main()
