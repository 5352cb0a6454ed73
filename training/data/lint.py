"""Checks request files against the contract: `python -m training.data.lint FILE...`.

Errors are breaches of the format or of a rule that has no exception; warnings are what a second reader should look
at.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from actions.catalogue import Call
from training.data.recombine import ONE_MEASURE
from training.data.requests import KINDS, Example, lines_of, parse_line

SERVICES = re.compile(r"\b(amazon|instacart|door ?dash)\b|亚马逊", re.IGNORECASE)
ARTICLE = re.compile(r"^(a|an|the|my|our|your|his|her|their|some)\s", re.IGNORECASE)
ONE_MEASURE_LEFT = re.compile(rf"^{ONE_MEASURE}(?!月|星期|人|小时)")
STYLE_WORD = re.compile(r"\b(style|look|vibe|theme)\b|风格?$|^more\s", re.IGNORECASE)
FREE = {"body", "message", "query", "question", "request", "subject"}
WORD = re.compile(r"[a-z0-9']+|[\u4e00-\u9fff]")
PRONOUNS = {
    "you",
    "your",
    "yours",
    "are",
    "were",
    "you're",
    "you've",
    "you'll",
    "do",
    "did",
    "have",
    "你",
    "您",
    "的",
    "们",
}


def problems(example: Example) -> tuple[list[str], list[str]]:
    """Errors and warnings of one example."""
    errors: list[str] = []
    warnings: list[str] = []
    if example.kind not in KINDS:
        errors.append(f"unknown kind {example.kind!r}")
    if len(example.calls) > 1 and any(call.name == "none" for call in example.calls):
        errors.append("none does not stand beside other calls")
    said = set(WORD.findall(example.text.lower()))
    for call in example.calls:
        for name, value in call.args.items():
            errors += _argument_errors(call, name, value)
            if name in ("report", "reason"):
                continue
            if name not in FREE and ARTICLE.match(value):
                warnings.append(f"{name} {value!r} begins with an article or possessive")
            strange = [w for w in WORD.findall(value.lower()) if w not in said and w not in PRONOUNS]
            if strange:
                warnings.append(f"{name} {value!r} has words that were not said: {' '.join(strange)}")
    return errors, warnings


def _argument_errors(call: Call, name: str, value: str) -> list[str]:
    errors = []
    if value.endswith(("。", ",", "，")) or (
        value.endswith(".") and not re.search(r"\b[A-Za-z]\.$|\b(jr|sr|etc)\.$", value, re.I)
    ):
        errors.append(f"{name} {value!r} ends with a full stop or comma")
    if name in ("product", "order", "items", "item") and SERVICES.search(value):
        errors.append(f"{name} {value!r} names the service")
    if name in ("product", "order", "item") and ONE_MEASURE_LEFT.match(value):
        errors.append(f"{name} {value!r} keeps 一 and its measure word")
    if name == "style" and STYLE_WORD.search(value):
        errors.append(f"style {value!r} keeps a carrier word")
    if name == "items" and re.search(r"[,，、]|\band\b", value) and ";" not in value:
        errors.append(f"items {value!r} are not joined by '; '")
    if name == "items" and re.search(r";(?! )|；", value):
        errors.append(f"items {value!r}: the joint is '; '")
    return errors


def main(paths: list[str]) -> int:
    failed = 0
    for path in map(Path, paths):
        kinds: Counter[str] = Counter()
        names: Counter[str] = Counter()
        seen: dict[str, int] = {}
        for number, kind, line in lines_of(path):
            try:
                example = parse_line(line, kind)
            except ValueError as error:
                print(f"{path}:{number}: error: {error}")
                failed += 1
                continue
            errors, warnings = problems(example)
            if example.text in seen:
                errors.append(f"the same request as line {seen[example.text]}")
            seen[example.text] = number
            for error in errors:
                print(f"{path}:{number}: error: {error}")
            for warning in warnings:
                print(f"{path}:{number}: warning: {warning}")
            failed += len(errors)
            kinds[kind] += 1
            names.update(call.name for call in example.calls)
        print(f"{path}: {sum(kinds.values())} requests; {dict(kinds)}; {dict(names)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
