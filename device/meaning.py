"""What texts and pictures mean, for the actions that match them: made of the built text model, when first needed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from actions.errors import ModelError
from agent.picture import load_picture
from agent.types import Decider, Embedder
from device.choose import TEXT_MODEL
from device.models.places import folder

if TYPE_CHECKING:
    import numpy as np

    from agent.meaning import TextMeaning

log = logging.getLogger(__name__)


class ModelMeaning:
    """A `Meaning` (`actions.base`) of the text model that is built and of the mind that looks; one that comes later is
    found."""

    def __init__(self, mind: Decider) -> None:
        self._mind = mind
        self._texts: TextMeaning | None = None
        self._lock = threading.Lock()

    def of_texts(self, texts: Sequence[str]) -> np.ndarray | None:
        try:
            with self._lock:
                if self._texts is None:
                    from agent.meaning import TextMeaning

                    self._texts = TextMeaning.read(folder(TEXT_MODEL))
        except ModelError as error:
            log.warning("words are compared by spelling alone: %s", error)
            return None
        return self._texts.of_texts(texts)

    def of_picture(self, path: Path) -> np.ndarray | None:
        if not isinstance(self._mind, Embedder):
            return None
        image = load_picture(path)
        try:
            return self._mind.embedding(image)
        except ModelError as error:
            log.warning("pictures are not compared: %s", error)
            return None
