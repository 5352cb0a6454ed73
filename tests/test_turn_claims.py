"""What the model declines because the catalogue has no such thing, an action may still claim: reminders for pets."""

from __future__ import annotations

from pathlib import Path

import pytest
from bodies import make_body

from actions.catalogue import make_call
from actions.pets.pet_care import PetCare
from actions.times.reminders import Reminders
from agent.scripted import ScriptedDecider
from device.seams import Press
from device.turn import take_turn

TEXT = "remind me to feed the cat every day at eight"


@pytest.mark.parametrize("reason", ["unsupported", "unclear"])
def test_only_what_is_declined_as_unsupported_is_claimed(tmp_path: Path, reason: str) -> None:
    pets = PetCare(reminders=lambda: Reminders(tmp_path, clock_is_set=lambda: True))
    body = make_body(decider=ScriptedDecider({TEXT: (make_call("none", reason),)}))
    body.actions["pet_care"] = pets  # type: ignore[index]
    turn = take_turn(body, Press(0.0), TEXT)
    assert turn.decision is not None
    claimed = reason == "unsupported"
    assert [call.name for call in turn.decision.calls] == ["pet_care" if claimed else "none"]
    assert len(Reminders(tmp_path).list()) == claimed
    assert ("every day at 8:00" in turn.spoken) == claimed
