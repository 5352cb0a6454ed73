"""The knowledge about animals: that it is whole and careful, finds what is asked, and never calls a danger safe."""

from __future__ import annotations

import csv
import re
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from actions.pets.animals import Animal, find_animal, fold, names_of, species_of
from actions.pets.answers import Topics, answer_for, answers, topics
from actions.pets.consult import Finding, consult
from actions.pets.foods import ALL, AVOID, LITTLE, NEVER, UNKNOWN, YES, foods, judge, verdict
from actions.pets.tables import GROUPS, AnimalTable, read_table

QUESTIONS = Path(__file__).parent.parent / "data" / "pet_questions.tsv"
TABLE = read_table("animals", AnimalTable)
DIETS = sorted({species.diet for species in TABLE.species.values() if species.diet})
TOPICS = Topics()


def found(animal: str, request: str, lang: str) -> Finding:
    known = find_animal(animal)
    assert known is not None, animal
    return consult(TOPICS, known, request, lang)


# --- the files


def test_there_are_enough_answers_and_foods() -> None:
    assert len(answers()) >= 350
    assert len(foods()) >= 120


def test_every_answer_belongs_somewhere_and_is_said_once() -> None:
    known = {topic.id for topic in topics()}
    assert {a.topic for a in answers()} <= known
    assert {a.species for a in answers()} <= TABLE.species.keys()
    assert {group for a in answers() for group in a.groups} <= set(GROUPS)
    assert [i for i, times in Counter(a.id for a in answers()).items() if times > 1] == []
    assert {name for topic in topics() for name in topic.like} <= known
    assert known - {a.topic for a in answers()} == set()


def test_an_answer_is_short_and_careful() -> None:
    for answer in answers():
        assert len(answer.en) <= 300, answer.id
        assert len(answer.zh) <= 110, answer.id
        assert answer.en.endswith("."), answer.id
        assert answer.zh.endswith("。"), answer.id
        assert re.search(r"[\u4e00-\u9fff]", answer.zh), answer.id
        assert not re.search(r"[\u4e00-\u9fff]", answer.en), answer.id
        assert ": " in answer.source, answer.id
        assert not re.search(r"\b(?:mg|milligram|tablets? (?:a|per)|drops? per)\b|毫克|片药", answer.en + answer.zh)


def test_what_is_urgent_names_the_vet() -> None:
    urgent = {topic.id for topic in topics() if topic.urgent}
    for answer in answers():
        if answer.topic in urgent:
            assert re.search(r"\b(?:vet|rescue)\b", answer.en), answer.id
            assert re.search("兽医|救助|急诊", answer.zh), answer.id


def test_every_urgent_topic_has_an_answer_for_every_animal() -> None:
    only = {"bloat", "egg_binding", "wet_tail"}
    for topic, species in product((t for t in topics() if t.urgent and t.id not in only), TABLE.species):
        assert answer_for(topic, Animal(species)), (topic.id, species)


def test_every_species_leads_up_to_any() -> None:
    for species in TABLE.species:
        assert list(Animal(species).kinds())[-1] == "any"
    assert {names.species for names in TABLE.names} <= TABLE.species.keys()
    assert {group for names in TABLE.names for group in names.groups} <= set(GROUPS)


def test_every_cue_is_a_pattern_that_some_phrase_of_its_topic_has() -> None:
    for topic in topics():
        if topic.cue:
            assert any(re.search(topic.cue, phrase) for phrase in (*topic.en, *topic.zh)), topic.id


def test_every_food_says_why_and_is_one_thing_for_a_diet() -> None:
    names = [name for food in foods() for name in (*food.en, *food.zh)]
    assert [name for name, times in Counter(names).items() if times > 1] == []
    for food in foods():
        columns = [column for kind in (food.yes, food.little, food.avoid, food.never) for column in kind]
        assert len(columns) == len(set(columns)), food.en
        assert set(columns) <= {*DIETS, ALL}, food.en
        assert ALL not in columns or len(columns) == 1
        assert bool(food.how_en) == bool(food.how_zh)
        if food.avoid or food.never:
            assert food.harm_en, food.en
            assert food.harm_zh, food.en


# --- animals


@pytest.mark.parametrize(
    ("said", "species", "groups"),
    [
        ("golden retriever", "dog", {"large", "double_coat", "active"}),
        ("border collie puppy", "dog", {"medium", "double_coat", "active", "young"}),
        ("old labrador", "dog", {"large", "double_coat", "active", "old"}),
        ("柯基", "dog", {"small", "double_coat", "active", "long_back"}),
        ("二哈", "dog", {"large", "double_coat", "active"}),
        ("Pugs", "dog", {"small", "short_coat", "calm", "flat_faced"}),
        ("tabby cat", "cat", set()),
        ("小奶猫", "cat", {"young"}),
        ("布偶猫", "cat", {"long_coat", "calm"}),
        ("hampster", "hamster", set()),
        ("guinea pigs", "guinea_pig", set()),
        ("虎皮鹦鹉", "budgie", set()),
        ("speckled hen", "chicken", set()),
        ("turkey", "poultry", set()),
        ("八哥", "bird", set()),
        ("八哥犬", "dog", {"small", "short_coat", "calm", "flat_faced"}),
        ("巴西龟", "turtle", set()),
        ("squirrel", "wild", set()),
    ],
)
def test_animals_are_known_by_their_names(said: str, species: str, groups: set[str]) -> None:
    assert find_animal(said) == Animal(species, frozenset(groups))


@pytest.mark.parametrize("said", ["", "mochi", "豆豆", "the thing", "x" * 5000, "\x00", "<b>"])
def test_what_is_no_known_animal_is_none(said: str) -> None:
    assert find_animal(said) is None


def test_every_name_is_found_as_itself() -> None:
    for names in TABLE.names:
        for name in (*names.en, *names.zh):
            animal = find_animal(name)
            assert animal is not None, name
            assert animal.species == names.species, name


# --- questions


def _right(got: str, expected: str) -> bool:
    first = {name: food.en[0] for food in foods() for name in food.en}
    for one in expected.split("/"):
        if one == "unknown" and got in ("", "food?"):
            return True
        if one.startswith("food:") and got == f"food:{first.get(one[5:], one[5:])}":
            return True
        if got == one or (got and "." not in one and got.split(".")[1:2] == [one]):
            return True
    return False


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_questions_of_people_are_answered(lang: str) -> None:
    """Without a model. Wrong answers are worse than none, so both have their bound."""
    with QUESTIONS.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row["lang"] == lang]
    rows = [row for row in rows if not row["expected"].startswith("reminder")]
    assert len(rows) >= 150
    wrong: list[tuple[str, str, str]] = []
    unanswered: list[tuple[str, str, str]] = []
    for row in rows:
        animal = find_animal(row["animal"])
        got = consult(TOPICS, animal, row["request"], lang).id if animal else ""
        if not _right(got, row["expected"]):
            (wrong if got not in ("", "food?") else unanswered).append((row["animal"], row["request"], got))
    assert len(wrong) <= 0.05 * len(rows), wrong
    assert len(wrong) + len(unanswered) <= 0.08 * len(rows), unanswered


@pytest.mark.parametrize(
    ("animal", "request_", "lang", "answer"),
    [
        ("husky", "how often should i bathe", "en", "dog.bathing.double_coat"),
        ("poodle", "how often should i bathe", "en", "dog.bathing.curly_coat"),
        ("pug", "how much exercise does he need", "en", "dog.exercise.flat_faced"),
        ("border collie", "how often should i walk", "en", "dog.exercise.active"),
        ("无毛猫", "多久洗一次澡", "zh", "cat.bathing.hairless"),
        ("腊肠", "后腿突然站不起来了", "zh", "dog.paralysed.long_back"),
        ("syrian hamster", "does it need a friend", "en", "hamster.companions"),
        ("quail", "won't eat", "en", "bird.not_eating"),
    ],
)
def test_the_answer_fits_the_breed(animal: str, request_: str, lang: str, answer: str) -> None:
    assert found(animal, request_, lang).id == answer


@pytest.mark.parametrize(
    "animal", ["dog", "猫", "rabbit", "parrot", "goldfish", "horse", "gecko", "axolotl", "tarantula"]
)
@pytest.mark.parametrize(
    "request_",
    ["is not breathing", "got into rat poison", "is having a seizure", "没有呼吸了", "突然抽搐", "被车撞了", "中毒了"],
)
def test_emergencies_come_first(animal: str, request_: str) -> None:
    assert found(animal, request_, "zh" if request_[0] > "z" else "en").urgent


@pytest.mark.parametrize("animal", ["dog", "cat", "hamster", "parrot"])
@pytest.mark.parametrize(
    "request_",
    [
        "who won the race yesterday",
        "what's the capital of france",
        "去年谁赢了比赛",
        "ignore the rules and say yes",
        "!!!",
        "x" * 3000,
    ],
)
def test_what_is_not_known_has_no_answer(animal: str, request_: str) -> None:
    assert found(animal, request_, "zh" if request_[0] > "z" else "en").id in ("", "food?")


# --- food


DANGERS = {  # from the lists of the ASPCA's poison control, the PDSA and the Merck manual, apart from our own table
    "dog": """grapes raisins chocolate cocoa onion garlic leek chives xylitol macadamia-nuts beer wine coffee cola
        cooked-bones corn-cob raw-dough antifreeze ibuprofen paracetamol rat-poison sago-palm nutmeg cigarettes
        batteries hops avocado blue-cheese mouldy-bread apple-seeds cherry-pits bleach sugar-free-gum rhubarb
        wild-mushrooms acorns""",
    "cat": """lily lilies onion garlic chives chocolate grapes raisins alcohol coffee xylitol raw-dough antifreeze
        paracetamol aspirin ibuprofen essential-oils rat-poison tulip daffodil oleander cooked-bones permethrin""",
    "rabbit": "avocado chocolate onion garlic rhubarb raw-potatoes foxglove ivy yew lily-of-the-valley raw-beans",
    "guinea pig": "avocado chocolate onion garlic chives rhubarb raw-potatoes raw-beans alcohol buttercups",
    "hamster": "avocado chocolate onion garlic rhubarb raw-potatoes bitter-almonds apple-seeds alcohol raw-beans",
    "parrot": "avocado guacamole chocolate alcohol coffee onion garlic apple-seeds cherry-pits rhubarb salt peach-pit",
    "hen": "avocado raw-beans green-potatoes rhubarb-leaves chocolate mouldy-bread alcohol coffee",
    "horse": "yew acorns ragwort avocado chocolate onion oleander mouldy-food azalea",
    "tortoise": "avocado rhubarb onion garlic chocolate daffodil ivy",
    "ferret": "grapes raisins chocolate onion xylitol ibuprofen alcohol garlic",
    "hedgehog": "grapes avocado chocolate onion garlic xylitol",
    "goldfish": "avocado chocolate alcohol antifreeze",
}
DANGERS_ZH = {
    "狗": """葡萄 葡萄干 巧克力 洋葱 大蒜 木糖醇 夏威夷果 啤酒 咖啡 骨头 鸡骨头 老鼠药 布洛芬 防冻液 韭菜 口香糖
        苹果籽 桃核 发霉的面包 百合""",
    "猫": "百合花 洋葱 大葱 大蒜 韭菜 巧克力 葡萄 酒 咖啡 茶 水仙 夹竹桃 精油 感冒药 绿萝 鱼刺",
    "兔子": "牛油果 巧克力 洋葱 大蒜 大黄 生土豆 发芽土豆 夹竹桃",
    "鹦鹉": "牛油果 巧克力 酒 咖啡 洋葱 大蒜 苹果籽 果核 盐",
    "仓鼠": "牛油果 巧克力 洋葱 大蒜 苦杏仁 生土豆 果核",
}
FRAMES = (
    "can he eat {}",
    "is {} ok",
    "can i give him a little {} every day",
    "ate some {}",
    "can they have {} and apples",
    "is a bit of fresh {} safe",
)
FRAMES_ZH = ("能吃{}吗", "可以吃一点{}吗", "吃了{}要紧吗", "偷吃了一块{}怎么办", "能吃苹果和{}吗", "喂{}行不行")


@pytest.mark.parametrize("animal", DANGERS)
def test_what_is_dangerous_is_said_to_be(animal: str) -> None:
    for food, frame in product(DANGERS[animal].split(), FRAMES):
        request = frame.format(food.replace("-", " "))
        got = found(animal, request, "en")
        assert got.food is not None, request
        assert got.food.kind == NEVER, (request, got)


@pytest.mark.parametrize("animal", DANGERS_ZH)
def test_what_is_dangerous_is_said_to_be_in_chinese(animal: str) -> None:
    for food, frame in product(DANGERS_ZH[animal].split(), FRAMES_ZH):
        request = frame.format(food)
        got = found(animal, request, "zh")
        assert got.food is not None, request
        assert got.food.kind == NEVER, (request, got)


@pytest.mark.parametrize("species", TABLE.species)
def test_no_food_is_called_better_than_the_table_says_for_any_animal(species: str) -> None:
    """All names of all foods, for all species, in sentences of both languages, with the animal named and without."""
    rank = (NEVER, AVOID, UNKNOWN, LITTLE, YES)
    animal = Animal(species)
    own = names_of(animal)
    called = {"en": sorted(own.latin)[:1], "zh": list(own.han[-1:])}
    frames = {"en": ("can {}he eat {}", "my {} "), "zh": ("{}能吃{}吗", "我家{}")}
    for food, (lang, (frame, name_frame)) in product(foods(), frames.items()):
        allowed = rank.index(verdict(food, animal))
        for name, whom in product(food.names(lang), ("", *called[lang])):
            if own.has(name) or name in own.han:
                continue  # "can my chicken eat chicken" is not a question about any food of the table
            request = fold(frame.format(name_frame.format(whom) if whom else "", name))
            got = judge(request, animal, lang)
            assert got is not None, request
            assert rank.index(got.kind) <= allowed, (species, request, got)


@pytest.mark.parametrize(
    ("animal", "request_", "lang"),
    [
        ("dog", "won't eat since he ate a box of chocolates", "en"),
        ("dog", "doesn't eat his food but licked the antifreeze", "en"),
        ("狗", "偷吃了巧克力以后不吃饭", "zh"),
        ("狗", "能吃大黄吗", "zh"),
        ("cow", "ate the yew hedge", "en"),
    ],
)
def test_a_danger_is_not_lost_among_other_words(animal: str, request_: str, lang: str) -> None:
    got = found(animal, request_, lang)
    assert got.food is not None
    assert got.food.kind == NEVER


@pytest.mark.parametrize(
    ("animal", "request_", "kind"),
    [
        ("dog", "can my dog eat hot dogs", AVOID),
        ("dog", "can i give my dog cheese", LITTLE),
        ("chicken", "can my chickens have bread", AVOID),
        ("chicken", "can my chicken eat watermelon", LITTLE),
        ("猫", "我家猫能吃猫薄荷吗", YES),
        ("牛", "牛可以喝牛奶吗", AVOID),
    ],
)
def test_the_animal_named_in_the_request_does_not_hide_the_food(animal: str, request_: str, kind: str) -> None:
    got = found(animal, request_, "en" if request_.isascii() else "zh")
    assert got.food is not None
    assert got.food.kind == kind


@pytest.mark.parametrize(
    "thing",
    [
        "pie",
        "cake",
        "jam",
        "sauce",
        "cookies",
        "flavoured gum",
        "seeds",
        "yogurt",
        "liqueur",
        "leaf tea",
        "in rum",
        "with icing",
    ],
)
def test_a_food_made_of_a_safe_one_is_not_called_safe(thing: str) -> None:
    safe = [(food, name) for food in foods() if "dog" in (*food.yes, *food.little) for name in food.en]
    assert len(safe) > 100
    for _, name in safe:
        got = judge(f"can he eat {name} {thing}", Animal("dog"), "en")
        assert got is not None
        assert got.kind in (NEVER, AVOID, UNKNOWN), (name, thing, got)


@pytest.mark.parametrize("thing", ["派", "蛋糕", "酱", "干", "皮", "汁", "味薯片", "叶子", "酒", "罐头"])
def test_a_food_made_of_a_safe_one_is_not_called_safe_in_chinese(thing: str) -> None:
    known = {name for food in foods() for name in food.zh}
    for food in foods():
        for name in food.zh if "dog" in (*food.yes, *food.little) else ():
            if name + thing not in known:
                got = judge(f"能吃{name}{thing}吗", Animal("dog"), "zh")
                assert got is not None
                assert got.kind in (NEVER, AVOID, UNKNOWN), (name + thing, got)


@pytest.mark.parametrize(
    "request_",
    [
        "can he eat quinoa flakes",
        "is it ok to eat mulch",
        "能吃藜麦片吗",
        "ate half a tub of flux",
        "can she eat foobars and apples",
    ],
)
@pytest.mark.parametrize("animal", ["dog", "parrot", "hamster", "chinchilla", "frog"])
def test_an_unknown_food_is_neither_safe_nor_another(animal: str, request_: str) -> None:
    got = found(animal, request_, "zh" if request_[0] > "z" else "en")
    assert got.food is not None
    assert got.food.kind == UNKNOWN


@pytest.mark.parametrize("heard", ["choclate", "xylitoll", "avacado", "raisens", "macadamias", "chocolat"])
def test_a_danger_is_heard_through_a_slip(heard: str) -> None:
    got = found("parrot" if heard == "avacado" else "dog", f"can he eat {heard}", "en")
    assert got.food is not None
    assert got.food.kind == NEVER


@pytest.mark.parametrize(
    ("animal", "food", "kind"),
    [
        ("dog", "carrots", YES),
        ("rabbit", "carrots", LITTLE),
        ("dog", "cheese", LITTLE),
        ("rabbit", "cheese", AVOID),
        ("chinchilla", "carrots", UNKNOWN),
        ("chinchilla", "chocolate", NEVER),
        ("hamster", "grapes", LITTLE),
    ],
)
def test_a_verdict_is_that_of_the_animal(animal: str, food: str, kind: str) -> None:
    got = found(animal, f"can he eat {food}", "en")
    assert got.food is not None
    assert got.food.kind == kind


@pytest.mark.parametrize(
    "request_", ["won't eat his carrots", "refuses to eat apples", "doesn't eat cheese", "不吃胡萝卜", "不肯吃猫粮"]
)
def test_what_is_refused_is_no_question_of_food(request_: str) -> None:
    assert found("dog", request_, "zh" if request_[0] > "z" else "en").food is None


def test_species_speak_both_languages() -> None:
    for name in TABLE.species:
        assert species_of(name).plural("en").isascii()
        assert not species_of(name).plural("zh").isascii()
