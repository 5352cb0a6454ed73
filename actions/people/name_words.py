"""The words around a name: titles, kinship, spelled letters, described characters, numbers said digit by digit.

Knows words of both languages, no contacts and no sounds.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path

from actions.people.names import HAN
from actions.wording import one_line

DESCRIPTIONS = Path(__file__).resolve().parent / "characters.tsv"
TITLES = {
    "dr", "doctor", "mr", "mister", "mrs", "missus", "missis", "ms", "miss", "prof", "professor", "sir", "madam",
    "madame", "dame", "lord", "lady", "rev", "reverend", "father", "sister", "brother", "uncle", "aunt", "auntie",
    "aunty", "coach", "captain", "officer", "judge", "nurse",
}  # fmt: skip
_PARTICLES = {
    "von", "van", "de", "der", "den", "del", "della", "da", "di", "du", "la", "le", "el", "al", "bin", "ibn", "of",
    "the", "and", "jr", "sr", "ii", "iii", "phd", "md",
}  # fmt: skip
_TITLES_ZH = (
    "经理|总经理|老师|先生|女士|小姐|太太|夫人|医生|大夫|教授|博士|主任|主管|总监|师傅|师父|阿姨|叔叔|伯伯|大爷|大妈|奶奶|爷爷"
    "|哥|姐|大哥|大姐|弟|妹|嫂|律师|老板|同学|校长|院长|局长|处长|科长|部长|厂长|店长|班长|队长|秘书|会计|工程师|工|总|董|导"
    "|教练|护士|司机|警官|房东"
)
_COMPOUND = "欧阳|司马|上官|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|长孙|宇文|夏侯|端木|南宫|独孤|西门|百里"
_TITLED_ZH = re.compile(rf"({_COMPOUND}|.)(?:{_TITLES_ZH})")
_FAMILIAR_ZH = re.compile(r"[老小阿大](.)")
_NAME_ZH = re.compile(rf"({_COMPOUND}|.)(.{{1,2}})")
_MINE = re.compile(r"(?:my|our|the)\s+|我们?的?(?=.)")

# One person of a family is called many names; a word that stands in two rows may mean either.
_KIN = [
    row.split("|")
    for row in (
        "mom|mum|mommy|mummy|mama|momma|mother|ma|妈妈|妈|老妈|妈咪|母亲|我妈",
        "dad|daddy|papa|father|pop|爸爸|爸|老爸|父亲|爹|我爸",
        "grandma|grandmother|granny|nana|奶奶|祖母",
        "grandma|grandmother|granny|nana|外婆|姥姥|外祖母",
        "grandpa|grandfather|grandad|granddad|爷爷|祖父",
        "grandpa|grandfather|grandad|granddad|外公|姥爷|外祖父",
        "wife|老婆|妻子|媳妇|太太|爱人",
        "husband|hubby|老公|丈夫|先生|爱人",
        "girlfriend|女朋友|女友",
        "boyfriend|男朋友|男友",
        "sister|sis|姐姐|姐|老姐",
        "sister|sis|妹妹|妹|小妹",
        "brother|bro|哥哥|哥|老哥|大哥",
        "brother|bro|弟弟|弟|老弟",
        "son|儿子",
        "daughter|女儿|闺女",
        "boss|manager|老板|领导|上司",
        "doctor|gp|医生|大夫",
        "landlord|landlady|房东",
        "roommate|flatmate|housemate|室友",
    )
]


def kin(word: str) -> frozenset[str]:
    """What else a family member or boss called `word` (folded) is called; empty for other words."""
    return frozenset(other for row in _KIN if word in row for other in row) - {word}


def is_kin(word: str) -> bool:
    return any(word in row for row in _KIN)


def unadorned(folded: str) -> str:
    """A folded name without "my" and without titles in front ("doctor fernandes"); itself when nothing else is left."""
    words = _MINE.sub("", folded, count=1).split() if _MINE.match(folded) else folded.split()
    while len(words) > 1 and words[0] in TITLES:
        words = words[1:]
    return " ".join(words)


def parts(folded: str) -> set[str]:
    """The shorter names of a folded full name: its words and pairs of words; for Han the given name."""
    if len(folded) > 1 and all(map(HAN.match, folded)):
        whole = None if _TITLED_ZH.fullmatch(folded) else _NAME_ZH.fullmatch(folded)
        return {part for part in (whole[1], whole[2]) if len(part) > 1} if whole else set()
    words = folded.split()
    if len(words) < 2:
        return set()
    short = {word for word in words if len(word) > 1 and word not in TITLES and word not in _PARTICLES}
    return {*short, *(f"{a} {b}" for a, b in pairwise(words)), unadorned(folded)} - {folded}


def familiar(folded: str) -> set[str]:
    """What friends call somebody of a folded Han name: 小明, 阿明 and 老王, 小王 for 王小明."""
    whole = _NAME_ZH.fullmatch(folded) if surname_of(folded) else None
    return {f"小{whole[2][-1]}", f"阿{whole[2][-1]}", f"老{whole[1]}", f"小{whole[1]}"} if whole else set()


def surname_said(folded: str) -> str:
    """The surname in 李经理 or 王老师; empty in other words."""
    titled = _TITLED_ZH.fullmatch(folded)
    return titled[1] if titled else ""


def surname_of(folded: str) -> str:
    """The surname of a Han name, as far as its form tells; empty for other names, and for a name that is a title."""
    whole = _NAME_ZH.fullmatch(folded) if folded and all(map(HAN.match, folded)) else None
    return whole[1] if whole and not _TITLED_ZH.fullmatch(folded) and not _FAMILIAR_ZH.fullmatch(folded) else ""


# Spelling

_AS_IN = re.compile(r"\b([a-z])\s+(?:as in|for|like)\s+\w+")
_DOUBLED = re.compile(r"\bdouble\s+([a-z])\b")
_BETWEEN_LETTERS = re.compile(r"(?<=\b[a-zA-Z])[\s.,-]+(?=[a-zA-Z]\b)")
_X_OF_XY = re.compile(r"([\u3400-\u9fff]{2,4})的([\u3400-\u9fff])")


@cache
def _descriptions() -> dict[str, str]:
    """Han character to the words that tell it from others of its sound: 张 is 弓长张, 伟 is 伟大的伟."""
    lines = DESCRIPTIONS.read_text(encoding="utf-8").splitlines()
    return {char: words for char, _, words in (line.partition("\t") for line in lines)}


def description(name: str) -> str:
    """How the characters of a Han name are told apart aloud, 弓长张，伟大的伟; empty when that is not known."""
    if not all(map(HAN.match, name)):
        return ""
    return "，".join(_descriptions()[char] for char in name if char in _descriptions())


def described(text: str) -> tuple[str, str]:
    """The characters that a text describes, and what it says beside them: 弓长张的张伟 gives 张 and 张伟."""
    rest = re.sub(r"[\s，,。、]", "", unicodedata.normalize("NFKC", text))
    found: list[tuple[int, str]] = []
    for char, words in _descriptions().items():
        if len(words) > 2 and "的" not in words and words in rest:
            found.append((rest.index(words), char))
            rest = rest.replace(words, "\0" * len(words), 1)
    for match in _X_OF_XY.finditer(rest):
        if match[2] in match[1]:
            found.append((match.start(), match[2]))
            rest = rest.replace(match[0], "\0" * len(match[0]), 1)
    return "".join(char for _, char in sorted(found)), re.sub(r"\0+的?|那个?|这个?|我?说?的?是|叫", "", rest)


def spelled_out(text: str) -> str:
    """The name in "a n n a", "A-N-N-A", "anna, a double n a", 弓长张，伟大的伟; empty when nothing is spelled."""
    said = one_line(unicodedata.normalize("NFKC", text)).casefold().strip(" .,。，")
    if HAN.search(said):
        chars, beside = described(said)
        return chars if len(chars) > 1 and not beside else ""
    said = _DOUBLED.sub(r"\1 \1", _AS_IN.sub(r"\1", said))
    tokens = _BETWEEN_LETTERS.sub(" ", said).replace(",", " ").split()
    first = next((i for i, token in enumerate(reversed(tokens)) if len(token) > 1 or not token.isalpha()), len(tokens))
    letters, before = tokens[len(tokens) - first :], tokens[: len(tokens) - first]
    return "".join(letters) if len(letters) > (2 if before else 1) and len(before) <= 3 else ""


# Numbers

_DIGIT_WORDS = {
    "zero": "0", "oh": "0", "o": "0", "nought": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13",
    "fourteen": "14", "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
    "plus": "+",
}  # fmt: skip
_TENS = {
    "twenty": "2", "thirty": "3", "forty": "4", "fifty": "5", "sixty": "6", "seventy": "7", "eighty": "8",
    "ninety": "9",
}  # fmt: skip
_DIGITS_ZH = str.maketrans("零〇一幺壹二两三四五六七八九加", "00111223456789+")
_REPEATS = {"double": 2, "triple": 3}


def digits_said(text: str) -> str:
    """The digits of a number as it is said or written, "+" in front where it was; empty when it is not a number.

    "one seven oh double five", "plus forty-nine 170 ...", 幺三八..., "+49 (0)170 123".
    """
    said = one_line(unicodedata.normalize("NFKC", text)).casefold().translate(_DIGITS_ZH)
    said = re.sub(r"(?<=\d)[\s.-]*\(0\)", "", said) if said.startswith("+") else said  # the 0 of calls at home
    out, repeat, ten = "", 1, ""
    for token in re.sub(r"(?<=\d)[()./-]+|[()./,，。、\s-]+|(?<=[+\d])(?=[^\d])", " ", said).split():
        if token in _REPEATS:
            repeat = _REPEATS[token]
            continue
        digits = token if re.fullmatch(r"\+?\d+", token) else _DIGIT_WORDS.get(token, "")
        if ten and not (len(digits) == 1 and digits in "123456789"):
            out, ten = out + ten + "0", ""
        if token in _TENS:
            ten = _TENS[token]
            continue
        if not digits:
            return ""
        out, repeat, ten = out + ten + digits * repeat, 1, ""
    out += ten + "0" if ten else ""
    return out if re.fullmatch(r"\+?\d+", out) else ""
