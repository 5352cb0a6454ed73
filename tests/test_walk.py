"""The walk: its page beside the catalogue, its counterparts as the real ones would be met, and how it answers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from actions.base import Outcome
from actions.catalogue import CATALOGUE, FUNCTIONS, make_call
from actions.errors import ActionError, NotNow
from actions.messages.ntfy import Ntfy, NtfySettings
from actions.search.search_web import SearchSettings, SearXNG
from actions.secret import Secret
from agent.types import Decision
from bench.counterparts import Library, OwnersPhone, library, owners_phone
from bench.walk import converse, main
from bench.walk_page import SEVERAL, Made, Record, Taken, masked, page
from bench.walk_scenes import MAIL, PHONE, SCENES, Reply, Scene
from device.cli.main import tako
from device.models.places import folder, home
from device.seams import Transcript
from device.text_model import status_of_text_model
from training.speech import fetch

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "walkthrough.md").read_text("utf-8")
MADE = Made("9.9", "8.8", "2030-01-02", "x86_64, 1 of 2 cores")
SCENE = Scene(
    "text ben that i sold the car",
    {"send_text": "ben, i sold the car"},
    ("done",),
    ((PHONE, "sold the car"),),
    (Reply("ben okafor", "yes"),),
)
TURN = Taken(
    SCENE,
    "tako turn --wav request.wav --json",
    Record(
        Transcript("Text Ben that I sold the car.", "en", 0.9, engine="whisper"),
        Decision((make_call("send_text", "Ben", "I sold the car"),), "en", 0.99),
        (Outcome("done", "I texted Ben.", "to Ben | +1 <b> [asked 'Shall I text Ben Okafor?': 'yes']"),),
        "I texted Ben.",
        {"transcribe": 1234.0, "total": 2345.0},
    ),
    0,
    (("Shall I text Ben Okafor?", "yes"),),
    ((PHONE, "Ben · I sold the car"),),
    1.5,
)


# --- the page in docs/ ---


def sections(text: str) -> dict[str, str]:
    """Heading of the second level to what stands under it."""
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def turns(text: str) -> list[str]:
    return re.split(r"^### ", text, flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("name", [function.name for function in CATALOGUE])
def test_page_has_a_turn_of_every_function(name: str) -> None:
    shown = turns(sections(PAGE)[f"`{name}`"])
    assert shown
    for turn in shown:
        for row in ("command", "heard", "says", "took"):
            assert re.search(rf"^\| {row} \| .*\S.* \|$", turn, re.MULTILINE), (row, turn)


def test_page_has_every_scene() -> None:
    shown = [turn.partition("\n")[0] for turn in turns(PAGE)]
    assert sorted(shown) == sorted(scene.said for scene in SCENES)
    assert turns(sections(PAGE)[SEVERAL])


def test_page_names_commands_that_exist() -> None:
    lines = re.findall(r"(?:`|^\$ )tako (.+?)(?:`|$)", PAGE, re.MULTILINE)
    assert lines
    for line in lines:
        command: click.Command = tako
        for word in line.split():
            if isinstance(command, click.Group):
                assert word in command.commands, line
                command = command.commands[word]
            elif word.startswith("-"):
                assert word in {option for parameter in command.params for option in parameter.opts}, line


def test_page_says_where_it_comes_from_and_no_more() -> None:
    head = PAGE.partition("## ")[0]
    assert re.search(r"tako \d+\.\d+\.\d+, text\s+model \d+\.\d+\.\d+, \d{4}-\d\d-\d\d, \w+, \d+ of \d+ cores", head)
    assert "python -m bench.walk" in head
    assert not re.findall(r"(?<![\w.:/])/(?:home|root|tmp|work|usr|opt|var|mnt|etc)\b", PAGE)
    assert str(ROOT) not in PAGE
    assert not re.search(r"!\[", PAGE), "photos are not shown"


def test_scenes_show_what_they_should() -> None:
    chinese = {name for scene in SCENES if scene.lang == "zh" for name in scene.calls}
    assert len(chinese) >= 5
    assert {name for scene in SCENES for name in scene.calls} == set(FUNCTIONS)
    assert [scene for scene in SCENES if len(scene.calls) > 1]
    said = [reply.says for scene in SCENES for reply in scene.replies]
    assert "cancel" in said
    assert any(answer.startswith("no, I said") for answer in said)


# --- what makes the page ---


def test_page_of_a_turn_as_it_should_be() -> None:
    text = page(MADE, [TURN], {"tako list show": "1 milk\n"})
    assert "As expected: 1 of 1. Heard to the letter: 1." in text
    assert "| answered | **yes** |" in text
    assert "| ended | **done**: to Ben \\| +1 \\<b\\> |" in text, (
        "nothing of it is markup, and what was asked is not told twice"
    )
    assert "transcribe 1.2 s" in text
    assert "$ tako list show\n1 milk\n```" in text
    assert "heard to the letter |" not in text
    assert "**not as expected**" not in text


def test_page_marks_what_went_wrong() -> None:
    heard = replace(
        TURN, record=Record(replace(TURN.record.transcript, text="text band"), None, (), "I heard nothing.", {})
    )
    for wrong, told in (
        (heard, "the calls should be"),
        (heard, "it did in nothing"),
        (replace(TURN, code=7), "ended with 7"),
        (replace(TURN, talk=(("Who?", ""),)), "the questions should be"),
        (replace(TURN, arrived=()), "there should arrive"),
        (replace(TURN, arrived=((PHONE, "sold the house"),)), "there should arrive"),
        (replace(TURN, arrived=((MAIL, "sold the car"),)), "there should arrive"),
        (replace(TURN, arrived=(*TURN.arrived, (MAIL, "sold the car"))), "there should arrive"),
        (replace(TURN, seconds=0.0), "no spoken answer"),
    ):
        assert [problem for problem in wrong.problems if told in problem], told
        assert "**not as expected**" in page(MADE, [wrong], {})
    assert "text band (whisper, en, 90% sure) **not to the letter**" in page(MADE, [heard], {})


def test_folders_of_the_machine_are_masked() -> None:
    places = {Path("/home/ann"): "~", Path("/home/ann/tako"): "tako", Path("/tmp/w"): "WALK"}
    text = "/home/ann/tako/docs /home/ann/x /tmp/w/home/a.png /tmp/wide /home/anna"
    assert masked(text, places) == "tako/docs ~/x WALK/home/a.png /tmp/wide /home/anna"


# --- how it answers ---

ASKING = """
import sys
from device.confirm import TerminalConfirmer
from device.seams import Expects
print("a warning on its own line", file=sys.stderr)
questions = {"Who should I text?": Expects.WORDS, "要发吗？": Expects.CONSENT, "And now?": Expects.YES_NO}
for question, expects in questions.items():
    request = type("Request", (), {"lang": "zh" if question[0] > "z" else "en"})
    print(repr(TerminalConfirmer(patience=20).ask(request, question, expects)))
sys.exit(7)
"""


def talk_with(*replies: Reply) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)}
    done = converse([sys.executable, "-c", ASKING], replies, environment)
    assert done.code == 7
    return done.printed.splitlines(), done.talk


def test_questions_get_their_answers() -> None:
    heard, talk = talk_with(Reply("who", "小明"), Reply("要发", "是的"), Reply("now", "y"))
    assert heard == ["'小明'", "'是的'", "'yes'"]
    assert talk == (("Who should I text?", "小明"), ("要发吗？", "是的"), ("And now?", "y"))


def test_a_question_that_is_not_foreseen_gets_silence() -> None:
    heard, talk = talk_with(Reply("who", "Ben"), Reply("which", "yes"))
    assert heard == ["'Ben'", "''", "''"]
    assert talk == (("Who should I text?", "Ben"), ("要发吗？", ""), ("And now?", ""))


# --- the counterparts ---


@pytest.fixture
def books() -> Iterator[Library]:
    with library() as made:
        yield made


@pytest.fixture
def owner() -> Iterator[OwnersPhone]:
    with owners_phone() as made:
        yield made


def test_library_answers_tako(books: Library) -> None:
    engine = SearXNG(SearchSettings(searxng_url=books.url))
    assert engine.find("who painted the night watch", "en")[0].title == "The Night Watch"
    assert engine.find("长城有多长", "zh")[0].title == "长城"
    assert engine.find("zebra crossings in lisbon", "en") == []
    assert books.asked[:2] == [("en", "who painted the night watch"), ("zh-CN", "长城有多长")]


def test_library_demands_what_searxng_does(books: Library) -> None:
    with pytest.raises(ActionError):
        SearXNG(SearchSettings(searxng_url=books.url)).find(" ", "en")
    assert books.asked == []


def ntfy(owner: OwnersPhone, token: str = "") -> Ntfy:
    return Ntfy(NtfySettings(server=owner.server, token=Secret(token or owner.token)))


def test_owners_phone_shows_what_tako_pushes(owner: OwnersPhone, tmp_path: Path) -> None:
    from PIL import Image

    picture = tmp_path / "board.jpg"
    Image.new("RGB", (80, 60), "red").save(picture)
    topic = Secret(owner.topic)
    for _ in range(2):  # one key is one message
        ntfy(owner).publish(topic, "购物清单", "牛奶\n苹果", "https://example.com/?q=牛奶", key="a1")
    ntfy(owner).publish(topic, "Mood board", "two\nlines", picture=picture, key="b2")
    first, second = owner.pushes
    assert (first.title, first.text, first.attached) == ("购物清单", "牛奶\n苹果", 0)
    assert first.link.startswith("https://example.com/?q=")
    assert (second.title, second.text) == ("Mood board", "two\nlines")
    assert second.attached > 300


def test_owners_phone_refuses_strangers(owner: OwnersPhone) -> None:
    with pytest.raises(ActionError) as refused:
        ntfy(owner, "tk_wrong").publish(Secret(owner.topic), "t", "x")
    assert not isinstance(refused.value, NotNow)
    with pytest.raises(ActionError):
        ntfy(owner).publish(Secret("another"), "t", "x")
    assert owner.pushes == []


# --- a whole walk ---


@pytest.mark.slow
def test_one_function_from_the_outside(tmp_path: Path) -> None:
    pytest.importorskip("piper")
    if not all(fetch.is_ready(voice, home() / "models") for voice in (fetch.ENGLISH, fetch.MANDARIN)):
        pytest.skip("the voices are not there: python -m training.speech.synthesise fetches them")
    if not (folder("whisper-base") / "model.bin").is_file():
        pytest.skip("the model whisper-base is not there: tako models fetch whisper-base")
    if (status := status_of_text_model()).state != "built":
        pytest.skip(f"the text model is {status.state}: tako models build")
    command: list[str | Path] = [sys.executable, "-m", "bench.walk", "--data", tmp_path, "--only", "google_search"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "owner's phone got | The Night Watch" in done.stdout
    assert str(tmp_path) not in done.stdout


def test_without_voices_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(main, ["--data", str(tmp_path), "--voices", str(tmp_path)])
    assert done.exit_code == 1
    assert f"are not in {tmp_path}" in done.output
