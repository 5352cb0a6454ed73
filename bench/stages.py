"""One stage of a turn, measured in a process of its own: `python -m bench.stages STAGE '{"option": value}'`.

Prints one JSON object: `load` (s), `runs` (list of s), `peak` (MB of resident memory, imports and interpreter counted)
and what the stage has to say besides. A process of its own, because memory that one stage took stays with the process.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actions.messages.smtp import EmailSettings
    from demo.mail_server import Inbox

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
WAVS = {"en": DATA / "en_request.wav", "zh": DATA / "zh_request.wav"}
ANSWERS = {"en": "I sent the email to Anna Berg, with the photo.", "zh": "已记下给小明的短信：我晚点到。"}
EVERY = 40  # takes every so many-th request of the dev set

Result = dict[str, Any]


def timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def peak() -> float:
    """MB that this process, and the largest of those it started, had resident at most."""
    status = Path("/proc/self/status").read_text()
    own = int(status.partition("VmHWM:")[2].split()[0])  # kB; unlike ru_maxrss it leaves the parent's out
    return (own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1000


def nothing(runs: int) -> Result:
    """The floor: an interpreter with the command line's modules."""
    return {"load": timed(lambda: __import__("device.cli.main")), "runs": []}


def look(runs: int) -> Result:
    from agent.picture import load_picture

    return {"load": 0.0, "runs": [timed(lambda: load_picture(DATA / "photo.jpg")) for _ in range(runs)]}


def transcribe(runs: int, engine: str, model: str, lang: str, threads: int = 1) -> Result:
    """From the end of the utterance to its transcript. vosk works while one speaks, so its whole work is told apart."""
    from device.models.places import folder
    from device.seams import Transcriber
    from device.speech.microphone import WavMicrophone
    from device.speech.prompts import request_prompt
    from device.speech.vosk_engine import VoskTranscriber
    from device.speech.whisper_engine import WhisperSettings, WhisperTranscriber

    made: list[Transcriber] = []

    def load() -> None:
        if engine == "vosk":
            made.append(VoskTranscriber.load({lang: folder(model)}))
        else:
            settings = WhisperSettings(threads=threads)
            prompts = {lang: request_prompt(lang)}
            made.append(WhisperTranscriber.load(folder(model), (lang,), prompts, settings))

    loaded = timed(load)
    seconds, whole, text = [], [], ""
    for _ in range(runs + 1):
        begun = time.perf_counter()
        with WavMicrophone(WAVS[lang]).open() as chunks:
            heard = made[0].transcribe(chunks)
        whole.append(time.perf_counter() - begun)
        seconds.append(heard.ms / 1000)
        text = heard.text
    return {"load": loaded, "first": whole[0], "runs": seconds[1:], "work": statistics.median(whole[1:]), "note": text}


def decide(runs: int, threads: int = 1, guessing: bool = True) -> Result:
    """The requests of the dev set, some of them."""
    from agent import decoding
    from agent.onnx_decider import OnnxDecider
    from device.models.places import folder
    from training.data.requests import read_examples

    if not guessing:
        decoding.guess = lambda request, answer: []
    made: list[OnnxDecider] = []
    loaded = timed(lambda: made.append(OnnxDecider(folder("text"), threads, drafts=guessing)))
    decider = made[0]
    texts = [e.text for path in sorted((ROOT / "training/data/dev").glob("*.txt")) for e in read_examples(path)][
        ::EVERY
    ]
    first = timed(lambda: decider.answer(texts[0]))
    answers = [decider.answer(text) for text in texts]
    seconds = [timed(lambda text=text: decider.answer(text)) for _ in range(runs) for text in texts]  # type: ignore[misc]
    tokens = sum(len(answer.ids) for answer in answers)
    passes = sum(answer.passes for answer in answers)
    note = f"{len(texts)} requests, {tokens / len(texts):.1f} tokens in {passes / len(texts):.1f} passes each"
    return {"load": loaded, "first": first, "runs": seconds, "note": note, "version": decider.version}


def act(runs: int) -> Result:
    """One email with the photo to a server on this machine: connection, STARTTLS, login, message."""
    from actions.base import Request
    from actions.catalogue import make_call
    from actions.messages.send_email import SendEmail
    from actions.people.contacts import Contact, ContactBook
    from demo.mail_server import mail_server

    with tempfile.TemporaryDirectory() as folder, mail_server(Path(folder)) as inbox:
        action = SendEmail(_account(inbox), ContactBook([Contact("Anna", "anna@example.com")]))
        request = Request(make_call("send_email", "anna", "", "i am late"), "en", image=DATA / "photo.jpg")
        seconds = [timed(lambda: action.perform(request)) for _ in range(runs)]
        assert len(inbox.messages) == runs
    return {"load": 0.0, "runs": seconds, "note": "the server's memory counts in"}


def _account(inbox: Inbox) -> EmailSettings:
    from actions.messages.smtp import EmailSettings
    from actions.secret import Secret
    from demo.mail_server import HOST, USER

    return EmailSettings(host=HOST, port=inbox.port, user=USER, password=Secret(inbox.password), ca_file=inbox.ca_file)


def speak(runs: int, lang: str) -> Result:
    """From the sentence to its sound in a file."""
    from device.voice.settings import VoiceSettings
    from device.voice.spoken import FileVoice

    with tempfile.TemporaryDirectory() as folder:
        voice = FileVoice(Path(folder) / "answer.wav", VoiceSettings())

        def say() -> None:
            voice.say(ANSWERS[lang], lang)
            assert voice.wait(60)

        first = timed(say)
        seconds = [timed(say) for _ in range(runs)]
        voice.close()
    return {"load": 0.0, "first": first, "runs": seconds}


def build(runs: int) -> Result:
    """`tako models build`, from the base on the disk."""
    from agent.build import build as build_bundle
    from device.models.places import folder
    from device.text_model import BASE, RELEASE

    with tempfile.TemporaryDirectory(dir=folder("text").parent) as out:
        seconds = timed(lambda: build_bundle(folder(BASE[0]) / BASE[1], RELEASE, Path(out) / "text"))
    return {"load": 0.0, "runs": [seconds]}


def turn(runs: int, lang: str, image: bool) -> Result:
    """Whole turns in one process, as the service takes them: models loaded by the first, the answer into a file."""
    from actions.people.contact_files import ContactsSettings, PersonSettings
    from demo.mail_server import mail_server
    from device.body import recorded
    from device.journal import HistorySettings
    from device.seams import Press
    from device.settings import Settings
    from device.turn import take_turn

    stages: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder, mail_server(Path(folder)) as inbox:
        settings = Settings(
            email=_account(inbox),
            contacts=ContactsSettings(people={"Anna": PersonSettings(email="anna@example.com")}),
            history=HistorySettings(folder=Path(folder)),
        )
        picture = DATA / "photo.jpg" if image else None
        with recorded(settings, WAVS[lang], picture, out=Path(folder) / "answer.wav", yes=True) as body:
            for _ in range(runs + 1):
                result = take_turn(body, Press(time.monotonic()))
                assert result.exit_code == 0, result.spoken
                stages.append(dict(result.ms))
    medians = {name: statistics.median(s.get(name, 0.0) for s in stages[1:]) / 1000 for name in stages[-1]}
    medians["total"] -= medians["listen"]
    seconds = [(s["total"] - s["listen"]) / 1000 for s in stages]
    return {"load": 0.0, "first": seconds[0], "runs": seconds[1:], "stages": medians}


STAGES: dict[str, Callable[..., Result]] = {
    stage.__name__: stage for stage in (nothing, look, transcribe, decide, act, speak, build, turn)
}


@contextmanager
def _quiet() -> Iterator[None]:
    """What libraries print goes to stderr: stdout has the result alone."""
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout = out


def main() -> None:
    stage, options = sys.argv[1], json.loads(sys.argv[2])
    with _quiet():
        result = STAGES[stage](**options)
    print(json.dumps({**result, "peak": peak()}, ensure_ascii=False))


if __name__ == "__main__":
    main()
