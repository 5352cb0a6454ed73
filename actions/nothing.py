"""The function `none`: nothing is done, kindly."""

from __future__ import annotations

from collections.abc import Sequence

from actions.base import Outcome, Request
from actions.catalogue import FUNCTIONS
from actions.wording import listing, say


class Nothing:
    """The function `none`: nothing is done, kindly."""

    name = "none"

    def __init__(self, acting: Sequence[str]) -> None:
        """`acting`: names of the functions that are set up; the first three are named."""
        self._acting = tuple(acting)[:3]

    def read_back(self, request: Request) -> str:
        """Nothing is asked before nothing is done: the sentence that `perform` would say."""
        return self.perform(request).spoken

    def perform(self, request: Request) -> Outcome:
        if request.call.args["reason"] == "unsupported":
            en = listing([FUNCTIONS[name].en for name in self._acting], "en", ("and", "和"))
            zh = listing([FUNCTIONS[name].zh for name in self._acting], "zh", ("and", "和"))
            spoken = say(
                request.lang,
                f"Sorry, I can't help with that. I can {en}, for example.",
                f"对不起，这个我做不了。我可以{zh}等等。",
            )
            return Outcome("declined", spoken, "unsupported")
        spoken = say(
            request.lang, "Sorry, I didn't get that. Could you say it again?", "对不起，我没听清，请再说一遍好吗？"
        )
        return Outcome("asked", spoken, "unclear")
