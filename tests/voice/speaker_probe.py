"""Run by test_speaker.py beside a sound server with a null sink: speaks, records what is heard, prints JSON.

    python speaker_probe.py {"engine": "neural"}     settings of the voice

`first`: seconds from the call of say() to the first loud sound heard, of each long text but the first.
`stop`: seconds from the call of stop() to the last loud sound heard on the sink's monitor. `said`: seconds of sound
heard of one short sentence, and whether `wait` was right about its end.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import numpy as np

from device.voice.choose import choose_voice
from device.voice.settings import VoiceSettings

RATE = 22_050
BLOCK = 220  # samples: 10 ms
LOUD = 300
COUNTING = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen " * 3


class Ear:
    """Listens to the sink: `heard` holds (time, loudest sample) of each block."""

    def __init__(self) -> None:
        command = [
            "parec",
            "--device=out.monitor",
            "--format=s16le",
            f"--rate={RATE}",
            "--channels=1",
            "--latency-msec=10",
        ]
        self._recorder = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.heard: list[tuple[float, int]] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._recorder.stdout is not None
        while block := self._recorder.stdout.read(BLOCK * 2):
            self.heard.append((time.monotonic(), int(np.abs(np.frombuffer(block, "<i2").astype(int)).max())))

    def loud(self) -> list[float]:
        return [at for at, peak in self.heard if peak > LOUD]

    def until_loud(self, before: int) -> None:
        """Waits until more than `before` blocks were loud."""
        deadline = time.monotonic() + 10
        while len(self.loud()) <= before:
            assert time.monotonic() < deadline, "nothing is heard"
            time.sleep(0.01)

    def close(self) -> None:
        self._recorder.kill()
        self._recorder.wait()


def main() -> None:
    ear = Ear()
    voice = choose_voice(VoiceSettings(**json.loads(sys.argv[1]))).voice
    time.sleep(0.5)
    stops, first = [], []
    for pause in (0.3, 0.5, 0.8):
        before, said = len(ear.loud()), time.monotonic()
        voice.say("I have found it in the kitchen, beside the window. " + COUNTING, "en")
        voice.say("this must never be heard", "en")
        ear.until_loud(before)
        first.append(ear.loud()[before] - said)
        time.sleep(pause)
        called = time.monotonic()
        voice.stop()
        returned = time.monotonic() - called
        idle = voice.wait(2.0)
        idle_after = time.monotonic() - called
        time.sleep(1.0)
        stops.append({"silent": ear.loud()[-1] - called, "returned": returned, "idle": idle, "idle_after": idle_after})
    begun, before = time.monotonic(), len(ear.loud())
    voice.say("I have sent the email to Anna.", "en")
    done = voice.wait(20.0)
    waited = time.monotonic() - begun
    time.sleep(0.5)
    loud = ear.loud()[before:]
    voice.close()
    ear.close()
    late = max(loud) - (begun + waited)
    sys.stdout.write(
        json.dumps(
            {
                "stops": stops,
                "first": first[1:],
                "done": done,
                "waited": waited,
                "heard": len(loud) * BLOCK / RATE,
                "late": late,
            }
        )
    )


if __name__ == "__main__":
    main()
