"""From settings to a body: the one place that knows every implementation.

    asked(...)      a typed request               recorded(...)   a request in a WAV file
    simulated(...)  a terminal as the gadget      living(...)     the gadget itself
    deciding(...)   ears and mind alone, for many requests at once

A model that cannot be loaded is an error of the turn that needs it, told like any other.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from actions.base import Action
from actions.errors import TakoError
from actions.people.contact_files import LiveContacts, load_contacts
from actions.registry import Context, build_actions
from agent.types import Decider, LanguageModel
from device.choose import BrokenCamera, choose_camera, choose_decider, choose_trigger
from device.confirm import AgreeingConfirmer, DialogueSettings, SpokenConfirmer, TerminalConfirmer, grammar
from device.deferred import Deferred, DeferredDecider, DeferredTranscriber
from device.journal import SqliteJournal
from device.lamp import Lamp, Network
from device.meaning import ModelMeaning
from device.models.places import home, own_contacts
from device.mute import Mute, MutedMicrophone
from device.pi.indicator import LedIndicator
from device.pi.trigger import ButtonTrigger
from device.reminders import open_reminders
from device.seams import Camera, Confirmer, Indicator, State, Transcriber, Transcript, Trigger, Voice
from device.sim.camera import FolderCamera, NoCamera
from device.sim.indicator import SilentIndicator, TerminalIndicator
from device.sim.lines import Lines
from device.sim.trigger import KeyTrigger, ScriptedTrigger
from device.speech.choose import choose as choose_transcriber
from device.speech.endpoint import Endpointer
from device.speech.microphone import SoundDeviceMicrophone, WavMicrophone
from device.speech.rescoring import RescoringTranscriber
from device.speech.whisper_engine import WhisperTranscriber
from device.turn import Body, Ear, History
from device.voice.choose import choose_voice
from device.voice.printed import PrintVoice

if TYPE_CHECKING:
    from device.settings import Settings

log = logging.getLogger(__name__)
BATCH_SECONDS = 60.0  # no recording of a batch may be longer
Reach = Callable[[Trigger, Indicator, Ear], tuple[Trigger, Indicator, Ear]]


@contextmanager
def asked(settings: Settings, image: Path | None, yes: bool, aloud: bool) -> Iterator[Body]:
    """A body for a typed request; `image`: what the camera sees; `yes`: every question gets a yes."""
    voice = _voice(settings) if aloud else PrintVoice(io.StringIO())
    with closing(_plain(settings, image, _confirmer(yes), voice)) as body:
        _load(body.decider)
        yield body


@contextmanager
def recorded(settings: Settings, wav: Path, image: Path | None, out: Path | None, yes: bool) -> Iterator[Body]:
    """A body for a recorded request; `out`: the WAV that the answer is written to instead of being spoken."""
    body = _plain(settings, image, _confirmer(yes), _voice(settings, out))
    transcriber = _transcriber(settings, body.decider)
    with closing(replace(body, ear=recording(wav, transcriber))) as body:
        _load(body.decider, transcriber)
        yield body


@contextmanager
def simulated(settings: Settings, lines: Lines, image: Path | None, yes: bool, aloud: bool) -> Iterator[Body]:
    """A terminal as the gadget: the Enter key is the button, the answers are printed (`aloud`: spoken)."""
    voice = _voice(settings) if aloud else PrintVoice()
    body = _plain(settings, image, _confirmer(yes, lines), voice)
    ear = _ear(settings, _transcriber(settings, body.decider))
    body = replace(
        body,
        trigger=KeyTrigger(lines),
        ear=ear,
        indicator=TerminalIndicator(),
        must_see=False,
        grace=settings.outbox.grace_seconds,
    )
    with closing(body):
        _load(body.decider)
        yield body


@contextmanager
def living(
    settings: Settings, lines: Lines, stopping: threading.Event, reach: Reach = lambda *parts: parts
) -> Iterator[Body]:
    """The gadget itself, until `stopping` is set. What keeps it from starting is spoken as well; what it can do without
    for now is only told. `reach` may put something around button, light and ear, for turns and questions alike."""
    voice = _voice(settings)
    try:
        body = _gadget(settings, lines, voice, stopping, reach)
    except TakoError as error:
        tell(voice, error, settings.language)
        voice.close()
        raise
    with closing(body):
        yield body


@contextmanager
def deciding(settings: Settings) -> Iterator[tuple[Decider, Callable[[Path], Transcript]]]:
    """A mind, and what hears a recording. Raises `ModelError` when there is no mind."""
    decider = DeferredDecider(lambda: choose_decider(settings.mind))
    with closing(_transcriber(settings, decider)) as transcriber:

        def hear(path: Path) -> Transcript:
            with WavMicrophone(path, limit_seconds=BATCH_SECONDS).open() as chunks:
                return transcriber.transcribe(chunks)

        yield decider.get(), hear


def recording(wav: Path, transcriber: Transcriber) -> Ear:
    """What hears a WAV file, all of it."""
    return Ear(WavMicrophone(wav), transcriber)


def journal_of(settings: Settings) -> SqliteJournal:
    """The history of the settings. Raises `DeviceError`."""
    folder = settings.history.folder or home() / "history"
    return SqliteJournal(folder / "history.sqlite", settings.history.keep_pictures)


def actions_of(settings: Settings, mind: Decider | None = None) -> Mapping[str, Action]:
    """The hands of the settings; `mind`: what knows meanings, the one of the settings when left out. Raises
    `SettingsError`."""
    meaning = ModelMeaning(mind or DeferredDecider(lambda: choose_decider(settings.mind)))
    contacts = LiveContacts(settings.contacts, own_contacts())
    return build_actions(Context(settings, contacts, home(), meaning, open_reminders))


def tell(voice: Voice, error: TakoError, lang: str) -> None:
    """Says an error outside of a turn, as well as it can be said."""
    log.error("%s", error)
    try:
        voice.say(error.spoken(lang), lang)
        voice.wait(30.0)
    except TakoError as silent:
        log.warning("it cannot be spoken: %s", silent)


def _gadget(settings: Settings, lines: Lines, voice: Voice, stopping: threading.Event, reach: Reach) -> Body:
    lang, decider = settings.language, DeferredDecider(lambda: choose_decider(settings.mind))
    transcriber = _transcriber(settings, decider)
    mute = Mute(home() / "muted")
    ear = _ear(settings, transcriber)
    ear = replace(ear, microphone=MutedMicrophone(ear.microphone, mute))
    journal: History = journal_of(settings)
    trigger = choose_trigger(settings.button, lines, mute)
    indicator, problems = _light(settings, trigger, mute)
    camera, blind = _camera(settings)
    problems += blind
    if isinstance(trigger, ButtonTrigger) and trigger.problem:
        problems.append(trigger.problem)
    trigger, indicator, ear = reach(trigger, indicator, ear)
    problems += [journal.notice] if isinstance(journal, SqliteJournal) and journal.notice else []
    for problem in (*problems, *_load(decider, transcriber)):
        indicator.show(State.ERROR, problem.spoken(lang))
        tell(voice, problem, lang)
    confirmer = _spoken(ear, voice, indicator, trigger, settings.dialogue, stopping)
    return Body(
        trigger,
        camera,
        ear,
        decider,
        actions_of(settings, decider),
        confirmer,
        voice,
        indicator,
        journal,
        lang,
        grace=settings.outbox.grace_seconds,
        mute=mute,
        stopping=stopping,
    )


def _light(settings: Settings, trigger: Trigger, mute: Mute) -> tuple[Indicator, list[TakoError]]:
    """The light, and what keeps it from shining for now."""
    light = None if settings.button.kind == "key" else LedIndicator(settings.light, patient=True)
    network = Network()
    lamp = Lamp(
        light or TerminalIndicator(),
        {
            State.ERROR: lambda: isinstance(trigger, ButtonTrigger) and trigger.problem is not None,
            State.MUTED: lambda: mute.on,
            State.OFFLINE: network.offline,
        },
    )
    mute.watch(lamp.refresh)
    return lamp, [light.problem] if light and light.problem else []


def _load(*parts: object) -> list[TakoError]:
    """Loads the models now, so that no turn waits for them. What fails is tried again in the turn, and told there."""
    problems = []
    for part in parts:
        if isinstance(part, Deferred):
            try:
                part.get()
            except TakoError as error:
                problems.append(error)
    return problems


def _plain(settings: Settings, image: Path | None, confirmer: Confirmer, voice: Voice) -> Body:
    """No button, no ear, no light; the picture that was handed in, if any."""
    decider = DeferredDecider(lambda: choose_decider(settings.mind))
    return Body(
        trigger=ScriptedTrigger(()),
        camera=FolderCamera(image) if image else NoCamera(),
        ear=None,
        decider=decider,
        actions=actions_of(settings, decider),
        confirmer=confirmer,
        voice=voice,
        indicator=SilentIndicator(),
        journal=journal_of(settings),
        lang=settings.language,
        must_see=image is not None,
    )


def _voice(settings: Settings, out: Path | None = None) -> Voice:
    choice = choose_voice(settings.voice, out)
    log.info("voice: %s", choice.reason)
    return choice.voice


def _transcriber(settings: Settings, decider: Decider) -> DeferredTranscriber:
    def load() -> Transcriber:
        names = [contact.name for contact in load_contacts(settings.contacts, own_contacts()).contacts]
        transcriber, reason = choose_transcriber(settings.speech, home() / "models", names)
        log.info("%s", reason)
        return RescoringTranscriber(transcriber, likelihoods) if settings.speech.rescoring else transcriber

    def likelihoods(texts: Sequence[str]) -> Sequence[float] | None:
        try:
            mind = decider.get() if isinstance(decider, DeferredDecider) else decider
            return mind.log_likelihoods(texts) if isinstance(mind, LanguageModel) else None
        except TakoError:  # deciding will meet it, too, and tell it with what was heard
            return None

    return DeferredTranscriber(load, settings.speech.languages)


def _ear(settings: Settings, transcriber: Transcriber) -> Ear:
    return Ear(SoundDeviceMicrophone(settings.microphone), transcriber, Endpointer(settings.endpoint).listen)


def _camera(settings: Settings) -> tuple[Camera, list[TakoError]]:
    try:
        return choose_camera(settings.camera), []
    except TakoError as error:
        return BrokenCamera(error), [error]


def _confirmer(yes: bool, lines: Lines | None = None) -> Confirmer:
    asking = TerminalConfirmer(lines)
    return AgreeingConfirmer(asking) if yes else asking


def _spoken(
    ear: Ear,
    voice: Voice,
    indicator: Indicator,
    trigger: Trigger,
    settings: DialogueSettings,
    stopping: threading.Event,
) -> Confirmer:
    """Asks aloud."""
    tapped = threading.Event()  # there is no button to hold while answering: silence ends the answer
    tapped.set()
    return SpokenConfirmer(
        voice,
        lambda: ear.microphone,
        lambda lang: hearing_answers(ear.transcriber, lang),
        endpointing=lambda chunks: iter(ear.endpointing(chunks, tapped)),
        asking=lambda: indicator.show(State.LISTENING),
        settings=settings,
        words=lambda: ear.transcriber,
        button=trigger,
        stopping=stopping,
    )


def hearing_answers(transcriber: Transcriber, lang: str) -> Transcriber:
    """What hears a yes or no in `lang`. Raises `ModelError`.

    whisper is told what people answer: without it a short Mandarin yes is mostly misheard. vosk keeps its whole
    vocabulary: with a grammar and no word for "something else" it turns any noise into the nearest answer.
    """
    made = transcriber.get() if isinstance(transcriber, DeferredTranscriber) else transcriber
    made = made.plain if isinstance(made, RescoringTranscriber) else made
    if isinstance(made, WhisperTranscriber) and lang in made.languages:
        return made.with_grammar({lang: grammar(lang)})
    return made
