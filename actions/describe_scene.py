"""What is on the picture, said aloud: the answer is the model's own, and nothing leaves the device.

What is seen is only ever spoken. No part of it is read as a request, whatever words the picture shows.
"""

from __future__ import annotations

from actions.base import Outcome, Request
from actions.errors import Question
from actions.questions import ask_for_missing
from actions.wording import aloud, say


class DescribeScene:
    """The function `describe_scene`. It speaks `Request.said`, which is empty where the model has no eyes."""

    name = "describe_scene"

    def read_back(self, request: Request) -> str:
        _ask_for_picture(request)
        question = aloud(request.call.args["question"], request.lang)
        return say(request.lang, f"Shall I look and answer: {question}?", f"要我看一看再回答吗：{question}？")

    def perform(self, request: Request) -> Outcome:
        _ask_for_picture(request)
        detail = f"{self.name}: question {request.call.args['question']!r}, photo"
        said = aloud(request.said, request.lang)
        if not said:
            sorry = say(request.lang, "Sorry, I can't describe that picture yet.", "对不起，我还不能描述这张照片。")
            return Outcome("declined", sorry, detail)
        return Outcome("done", said + say(request.lang, ".", "。"), detail)


def _ask_for_picture(request: Request) -> None:
    """Raises `Question` when there is no question to answer, or no picture to look at."""
    ask_for_missing(request)
    if request.image is None:
        raise Question(
            "I have no picture to look at. Please check the camera, point it and ask again.",
            "我没有照片可看，请检查摄像头，对准后再问一次。",
        )
