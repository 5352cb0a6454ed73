"""Errors a user can meet. Each carries a sentence fit to be spoken, in both languages.

TakoError                     base: `spoken("en")`, `spoken("zh")`, `exit_code`
|- SettingsError              the settings file is wrong                       exit 2
|- InputError                 the request cannot be read (picture, sound, text) exit 3
|- DeviceError                microphone, camera, speaker, button, disk         exit 4
|- ModelError                 a model is missing, damaged or does not fit       exit 5
|- ActionError                the action was refused or cannot be done          exit 6
   |- NotNow                  it may work later: the call waits in the outbox   exit 7
   |- Question                something must be asked first: the sentence asks  exit 8
"""

from __future__ import annotations

YES_NO = ("yes", "no")


class TakoError(Exception):
    """Base of all errors that tako tells its user."""

    exit_code = 1

    def __init__(self, en: str, zh: str | None = None) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh or en

    def spoken(self, lang: str) -> str:
        return self.zh if lang == "zh" else self.en


class SettingsError(TakoError):
    exit_code = 2


class InputError(TakoError):
    exit_code = 3


class DeviceError(TakoError):
    exit_code = 4


class ModelError(TakoError):
    exit_code = 5


class ActionError(TakoError):
    exit_code = 6


class NotNow(ActionError):
    exit_code = 7


class Question(ActionError):
    """Nothing was done: a detail is missing or means two things. The sentence is the question to the user.

    about: what the answer is for: an argument of the call, which it then replaces, or a name of the action's own, under
    which it is handed back in `Request.answers`; empty where no answer can be taken up
    choices: the values among which the answer chooses, `YES_NO` for a plain question; empty when it may be anything
    """

    exit_code = 8

    def __init__(self, en: str, zh: str | None = None, about: str = "", choices: tuple[str, ...] = ()) -> None:
        super().__init__(en, zh)
        self.about = about
        self.choices = choices


class Misfit(ValueError):
    """Half a sentence about a value of the settings that does not fit; the reader of the settings makes it a
    `SettingsError` that names the field and the file."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.zh = zh
