"""What is said to a question about a pet, and what is kept to be said later."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from actions.base import Action, Claiming, Outcome, Request
from actions.catalogue import make_call
from actions.errors import ActionError, Question
from actions.pets.pet_care import PetCare, PetSettings
from actions.times.clock import Instant
from actions.times.reminders import Reminders

ZONE = ZoneInfo("Europe/Berlin")
MONDAY_NOON = 1_768_820_400.0  # 2026-01-19 12:00 there
VET = PetSettings(vet="Dr Li, 555 0123", poison_line="555 999")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, wall: float = MONDAY_NOON) -> None:
        self.wall = wall

    def __call__(self) -> Instant:
        return Instant(self.wall, "boot", self.wall - MONDAY_NOON)


def reminders(folder: Path, clock: Clock | None = None) -> Reminders:
    return Reminders(folder, clock or Clock(), lambda: ZONE, lambda: True)


def ask(animal: str, request: str, lang: str = "en", action: PetCare | None = None, **more: object) -> Outcome:
    return (action or PetCare()).perform(Request(make_call("pet_care", animal, request), lang, **more))  # type: ignore[arg-type]


def test_it_is_an_action() -> None:
    assert isinstance(PetCare(), Action)
    assert PetCare().name == "pet_care"


@pytest.mark.parametrize(
    ("animal", "request_", "lang", "words"),
    [
        ("husky", "how often should i bathe", "en", "double coat"),
        ("poodle", "how often should i bathe", "en", "three to four weeks"),
        ("柯基", "多久洗一次澡", "zh", "双层毛"),
        ("tabby cat", "what should i feed", "en", "cat food"),
        ("hamster", "可以吃葡萄吗", "zh", "仓鼠可以少量吃葡萄"),
        ("rabbit", "can he eat carrots", "en", "Rabbits may have carrots as a small treat"),
        ("dog", "can he eat carrots", "en", "Yes, dogs may have carrots."),
        ("chinchilla", "can he eat carrots", "en", "I don't know whether chinchillas and degus may have carrots"),
        ("parrot", "is avocado ok", "en", "No, keep avocado away from parrots: it contains persin"),
        ("dog", "can he have a cookie", "en", "Dogs had better not have cookie"),
        ("狗", "能吃藜麦片吗", "zh", "我不知道狗能不能吃藜麦片，先别喂"),
        ("狗", "能吃蛋糕吗", "zh", "狗最好别吃蛋糕"),
    ],
)
def test_answers(animal: str, request_: str, lang: str, words: str) -> None:
    outcome = ask(animal, request_, lang)
    assert outcome.status == "done"
    assert words in outcome.spoken


def test_the_history_names_the_answer_and_its_source() -> None:
    assert ask("cat", "how often should i brush").detail == "cat.brushing, International Cat Care: Grooming"
    assert ask("dog", "can he eat grapes").detail == "food:grapes, ASPCA: Grapes and raisins"


def test_what_is_not_known_is_said_so() -> None:
    outcome = ask("dog", "who won the race yesterday")
    assert (outcome.status, outcome.spoken) == ("declined", "I don't know that about dogs. Please ask a vet.")
    assert ask("猫", "可以坐火箭吗", "zh").spoken == "关于猫的这个问题我不知道，请问兽医。"
    assert ask("dog", "who won the race", action=PetCare(VET)).spoken.endswith("ask a vet: Dr Li, 555 0123.")


@pytest.mark.parametrize(
    ("animal", "request_", "lang", "start"),
    [
        ("dog", "ate some grapes", "en", "Call a vet or an animal poison line now"),
        ("猫", "啃了百合花", "zh", "马上联系兽医或动物中毒热线"),
        ("dog", "ate half a tub of flux", "en", "I don't know what half a tub of flux does to dogs. Call a vet now"),
        ("cat", "got into rat poison", "en", "Call a vet or an animal poison line now"),
    ],
)
def test_whom_to_call_is_said_when_something_was_eaten(animal: str, request_: str, lang: str, start: str) -> None:
    spoken = ask(animal, request_, lang, PetCare(VET)).spoken
    assert spoken.startswith(start)
    assert "Dr Li, 555 0123" in spoken
    assert "555 999" in spoken


def test_the_vet_is_named_in_an_emergency_and_at_no_other_time() -> None:
    assert "Your vet: Dr Li, 555 0123." in ask("cat", "is having a seizure", action=PetCare(VET)).spoken
    assert "555 999" not in ask("cat", "is having a seizure", action=PetCare(VET)).spoken
    assert "Dr Li" not in ask("cat", "how often should i brush", action=PetCare(VET)).spoken
    assert "Your vet" not in ask("cat", "is having a seizure").spoken


@pytest.mark.parametrize("animal", ["", "mochi", "豆豆"])
def test_an_emergency_needs_no_animal(animal: str) -> None:
    assert ask(animal, "is not breathing").spoken.startswith("Call an emergency vet now.")
    assert ask(animal, "误食了老鼠药", "zh").spoken.startswith("马上联系兽医")


def test_what_is_missing_is_asked() -> None:
    with pytest.raises(Question, match="Which animal is it about"):
        ask("", "how often should i bathe")
    with pytest.raises(Question, match="What would you like to know about your cat"):
        ask("cat", "")
    with pytest.raises(Question) as caught:
        ask("mochi", "what should i feed")
    assert (caught.value.en, caught.value.zh, caught.value.about) == (
        "What kind of animal is mochi?",
        "mochi是什么动物？",
        "animal",
    )


def test_read_back() -> None:
    request = Request(make_call("pet_care", "cat", "how often should i brush"), "en")
    assert PetCare().read_back(request) == "Shall I answer about cat: how often should i brush?"
    with pytest.raises(Question):
        PetCare().read_back(Request(make_call("pet_care", "", "x"), "en"))


@pytest.mark.parametrize(
    "evil",
    ["\x00\x1b[31m", "<script>", "{}", "%s", "('" * 200, "吃" * 3000, "a " * 3000, "\u202e", "https://x.example"],
)
def test_hostile_words_do_no_harm(evil: str) -> None:
    for text in (evil, f"can he eat {evil}", f"能吃{evil}吗"):
        spoken = ask("dog", text).spoken
        assert len(spoken) < 400
        assert "\x1b" not in spoken


# --- reminders


@pytest.mark.parametrize(
    ("animal", "request_", "lang", "spoken"),
    [
        (
            "dog",
            "remind me to feed him every day at eight",
            "en",
            "OK, I'll remind you every day at 8:00: dog: feed him.",
        ),
        ("猫", "每天早上八点提醒我喂猫", "zh", "好的，每天8点提醒你：喂猫。"),
        ("龟", "每周一三五晚上七点提醒我换水", "zh", "好的，每周一、三、五晚上7点提醒你：龟：换水。"),
    ],
)
def test_a_reminder_is_kept_and_said_back(tmp_path: Path, animal: str, request_: str, lang: str, spoken: str) -> None:
    kept = reminders(tmp_path)
    outcome = ask(animal, request_, lang, PetCare(reminders=lambda: reminders(tmp_path)), key="k1")
    assert (outcome.status, outcome.spoken) == ("done", spoken)
    assert len(kept.list()) == 1


def test_a_reminder_needs_no_animal_that_is_known(tmp_path: Path) -> None:
    kept = reminders(tmp_path)
    ask("", "remind me to clean the tank every sunday at ten", action=PetCare(reminders=lambda: reminders(tmp_path)))
    ask("mochi", "remind me to feed her every day at eight", action=PetCare(reminders=lambda: reminders(tmp_path)))
    assert [reminder.text for reminder in kept.list()] == ["clean the tank", "mochi: feed her"]


def test_the_time_is_asked_for_and_the_answer_taken_up(tmp_path: Path) -> None:
    kept = reminders(tmp_path)
    action = PetCare(reminders=lambda: reminders(tmp_path))
    with pytest.raises(Question) as caught:
        ask("cat", "remind me to give her the tablet", action=action, key="k1")
    assert caught.value.about == "when"
    assert not kept.list()
    outcome = ask(
        "cat", "remind me to give her the tablet", action=action, key="k1", answers={"when": "every day at nine"}
    )
    assert outcome.spoken == "OK, I'll remind you every day at 9:00: cat: give her the tablet."


def test_the_same_request_twice_is_one_reminder(tmp_path: Path) -> None:
    kept = reminders(tmp_path)
    for _ in range(3):
        ask(
            "dog",
            "remind me to feed him every day at eight",
            action=PetCare(reminders=lambda: reminders(tmp_path)),
            key="one",
        )
    ask(
        "dog",
        "remind me to feed him every day at eight",
        action=PetCare(reminders=lambda: reminders(tmp_path)),
        key="two",
    )
    assert len(kept.list()) == 2


def test_the_words_before_the_call_hold_the_time(tmp_path: Path) -> None:
    """Where the model left "remind me" out of the request."""
    kept = reminders(tmp_path)
    ask(
        "cat",
        "feed",
        action=PetCare(reminders=lambda: reminders(tmp_path)),
        text="Remind me to feed the cat every day at eight",
    )
    (reminder,) = kept.list()
    assert (reminder.text, reminder.spoken("en")) == ("cat: feed", "every day at 8:00")


def test_a_reminder_fires_after_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    first = reminders(tmp_path, clock)
    ask(
        "dog",
        "remind me to feed him every day at eight",
        action=PetCare(reminders=lambda: reminders(tmp_path, clock)),
        key="k1",
    )
    assert not first.due()
    first.close()
    clock.wall += 20 * 3600 + 5  # 8:00:05 the next morning
    (due,) = reminders(tmp_path, clock).due()
    assert due.spoken() == "Reminder: dog: feed him."


def test_without_a_place_for_reminders_it_says_so() -> None:
    with pytest.raises(ActionError, match="no place to keep reminders"):
        ask("dog", "remind me to feed him every day at eight")


def test_a_question_about_reminding_is_not_taken_from_other_words(tmp_path: Path) -> None:
    kept = reminders(tmp_path)
    outcome = ask(
        "dog",
        "how often should i brush",
        action=PetCare(reminders=lambda: reminders(tmp_path)),
        text="text bob to remind me, and how often should i brush my dog",
    )
    assert "brush" in outcome.detail
    assert not kept.list()


@pytest.mark.parametrize(
    ("text", "lang", "animal"),
    [
        ("Remind me to feed the cat every day at eight", "en", "cat"),
        ("每天早上八点提醒我喂仓鼠", "zh", "仓鼠"),
        ("remind me to water the ferns tonight", "en", ""),
        ("remind bob to feed the cat", "en", ""),
        ("feed the cat every day at eight", "en", ""),
        ("提醒我下午三点吃药", "zh", ""),
    ],
)
def test_a_reminder_for_an_animal_is_claimed(tmp_path: Path, text: str, lang: str, animal: str) -> None:
    """The catalogue has no reminders, so the model declines them."""
    action = PetCare(reminders=lambda: reminders(tmp_path))
    assert isinstance(action, Claiming)
    call = action.claim(text, lang)
    assert (call.args["animal"] if call else "") == animal
    assert PetCare().claim(text, lang) is None
    if call:
        assert action.perform(Request(call, lang, text, key="k")).status == "done"
        assert len(reminders(tmp_path).list()) == 1
