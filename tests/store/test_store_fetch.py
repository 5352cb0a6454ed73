"""Fetching from a site: resumed, checked, visible only when whole."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actions.errors import DeviceError, ModelError
from device.models import Model, Patience, Quiet, fetch, fetch_many, folder, present, verify
from device.models import manifest as manifest_module
from device.models import web as web_module
from device.models.table import Web

BYTES = bytes(range(256)) * 2_000
ROOT = Path(__file__).parents[2]


def _get(model: Model, patience: Patience, reporter: Quiet | None = None, **more: Any) -> Path:
    return fetch(model.name, table=[model], patience=patience, reporter=reporter, **more).folder


def test_a_model_arrives_whole_with_a_manifest_and_nothing_is_left_behind(
    web: Model, hasty: Patience, tako_home: Path, site: Any
) -> None:
    assert not present("small")
    where = _get(web, hasty)
    assert where == tako_home / "models" / "small"
    assert (where / "model.bin").read_bytes() == BYTES
    entry = json.loads((where / "manifest.json").read_text())["files"][0]
    assert entry["path"] == "model.bin"
    assert entry["size"] == len(BYTES)
    assert entry["source"] == f"{site.url}/"
    assert verify("small", [web]).state == "fetched"
    assert present("small")
    assert not (tako_home / "partial" / "small").exists()


def test_a_model_that_is_here_is_not_fetched_again_unless_forced(web: Model, hasty: Patience, site: Any) -> None:
    _get(web, hasty)
    assert fetch("small", table=[web]).sources == ()
    assert len(site.asked) == 1
    _get(web, hasty, force=True)
    assert len(site.asked) == 2


def test_a_cut_download_goes_on_where_it_was(web: Model, hasty: Patience, site: Any) -> None:
    site.faults.extend([("cut", 98_304), ("cut", 196_608)])
    assert (_get(web, hasty) / "model.bin").read_bytes() == BYTES
    assert [asked for _, asked in site.asked] == ["", "bytes=98304-", "bytes=294912-"]


def test_a_later_fetch_goes_on_with_what_an_earlier_one_left(web: Model, site: Any) -> None:
    once = Patience(tries=1, backoff=0.0)
    site.faults.append(("cut", 98_304))
    with pytest.raises(ModelError, match="breaks off"):
        _get(web, once)
    assert not folder("small").exists()
    _get(web, once)
    assert site.asked[-1] == ("/model.bin", "bytes=98304-")


def test_a_file_that_changed_on_the_site_meanwhile_is_begun_anew(web: Model, site: Any) -> None:
    once = Patience(tries=1, backoff=0.0)
    site.files["/model.bin"] = b"an older one " + BYTES[13:]
    site.faults.append(("cut", 98_304))
    with pytest.raises(ModelError):
        _get(web, once)
    site.files["/model.bin"] = BYTES
    assert (_get(web, once) / "model.bin").read_bytes() == BYTES
    assert len(site.asked) == 2  # the etag told: it was not joined first and found wrong after


def test_a_resumed_file_that_comes_out_wrong_is_fetched_once_anew(
    web: Model, hasty: Patience, site: Any, tako_home: Path
) -> None:
    half = tako_home / "partial" / "small" / "web" / "model.bin"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"\0" * 98_304)  # what a power cut may leave
    assert (_get(web, hasty) / "model.bin").read_bytes() == BYTES
    assert [asked for _, asked in site.asked] == ["bytes=98304-", ""]


def test_a_site_without_ranges_is_asked_for_the_whole(web: Model, hasty: Patience, site: Any) -> None:
    site.ranges = False
    site.faults.append(("cut", 98_304))
    assert (_get(web, hasty) / "model.bin").read_bytes() == BYTES


def test_a_busy_site_is_asked_again_and_a_missing_file_is_not(web: Model, hasty: Patience, site: Any) -> None:
    site.faults.extend([("status", 503), ("status", 429), ("status", 500)])
    _get(web, hasty)
    assert len(site.asked) == 4
    del site.files["/model.bin"]
    with pytest.raises(ModelError, match=r"does not give it \(404\)"):
        _get(web, hasty, force=True)
    assert len(site.asked) == 5


def test_waits_grow_between_the_tries(web: Model, site: Any) -> None:
    waits: list[float] = []
    site.faults.extend([("status", 503)] * 4)
    with pytest.raises(ModelError, match="busy"):
        _get(web, Patience(backoff=1.0, sleep=waits.append))
    assert waits == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("wrong", [BYTES[::-1], BYTES + b"more", b"<html>please log in</html>"])
def test_other_bytes_than_the_pinned_ones_are_refused_and_removed(
    web: Model, hasty: Patience, site: Any, tako_home: Path, wrong: bytes
) -> None:
    site.files["/model.bin"] = wrong
    with pytest.raises(ModelError):
        _get(web, hasty)
    assert not folder("small").exists()
    kept = [path for path in (tako_home / "partial").rglob("*") if path.is_file() and path.stat().st_size]
    assert not [path for path in kept if path.stat().st_size >= len(BYTES)]


def test_killed_in_the_middle_nothing_is_visible_and_the_next_fetch_goes_on(
    web: Model, site: Any, tako_home: Path, hasty: Patience
) -> None:
    site.faults.append(("slow", 0.05))
    source = web.sources[0]
    assert isinstance(source, Web)
    file = web.files[0]
    code = (
        "from device.models import fetch\nfrom device.models.table import *\n"
        f"m = Model('small', '', '', (Web({source.base!r}, ('model.bin',)),),"
        f" (File('model.bin', {file.size}, {file.sha256!r}),))\nfetch('small', table=[m])\n"
    )
    half = tako_home / "partial" / "small" / "web" / "model.bin"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}) as child:
        deadline = time.monotonic() + 20
        while not (half.exists() and half.stat().st_size > 50_000):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
    assert not folder("small").exists()
    assert verify("small", [web]).state == "missing"
    size = half.stat().st_size
    assert 50_000 < size < len(BYTES)
    assert (_get(web, hasty) / "model.bin").read_bytes() == BYTES
    assert site.asked[-1] == ("/model.bin", f"bytes={size}-")


def test_a_crash_before_the_rename_leaves_nothing_visible_and_costs_no_traffic(
    web: Model, hasty: Patience, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(manifest_module, "_sync", crash)
        with pytest.raises(KeyboardInterrupt):
            _get(web, hasty)
    assert not folder("small").exists()
    site.asked.clear()
    _get(web, hasty)
    assert site.asked == []


def test_the_old_model_stays_until_the_new_one_is_whole(
    make: Callable[..., Model], web: Model, hasty: Patience, site: Any
) -> None:
    _get(web, hasty)
    newer = make(web.sources[0], files={"model.bin": BYTES[::-1]})
    assert verify("small", [newer]).state == "stale"
    with pytest.raises(ModelError):
        _get(newer, hasty)
    assert verify("small", [web]).state == "fetched"
    site.files["/model.bin"] = BYTES[::-1]
    _get(newer, hasty)
    assert verify("small", [newer]).state == "fetched"


def test_a_damaged_model_is_fetched_again(web: Model, hasty: Patience) -> None:
    path = _get(web, hasty) / "model.bin"
    path.write_bytes(BYTES[:-1] + b"x")
    said = Quiet()
    _get(web, hasty, said)
    assert path.read_bytes() == BYTES
    assert any("damaged" in line for line in said.lines)


def test_two_fetches_of_one_model_do_not_meet(web: Model, hasty: Patience, site: Any) -> None:
    from device.models.fetching import _alone

    with _alone(web), pytest.raises(ModelError, match="another tako"):
        _get(web, hasty)
    _get(web, hasty)


def test_without_network_one_sentence_names_the_file_and_the_folder(web: Model, tako_home: Path, site: Any) -> None:
    nowhere = Web("http://127.0.0.1:1/", ("model.bin",))  # nothing listens on port 1
    model = Model("small", "", "", (nowhere,), web.files)
    with pytest.raises(ModelError) as caught:
        _get(model, Patience(backoff=0.0, connect=1.0))
    sentence = caught.value.spoken("en")
    assert sentence == (
        "small cannot be fetched (127.0.0.1 cannot be reached): put model.bin into "
        f"{tako_home / 'drop' / 'small'} and run tako models fetch again."
    )
    assert "model.bin" in caught.value.spoken("zh")
    assert str(tako_home / "drop") in caught.value.spoken("zh")
    assert (tako_home / "drop").is_dir()


def test_a_site_out_of_reach_is_not_asked_for_the_next_model(web: Model) -> None:
    waits: list[float] = []
    nowhere = Web("http://127.0.0.1:1/", ("model.bin",))
    models = [Model(name, "", "", (nowhere,), web.files) for name in ("one", "two")]
    said = Quiet()
    done, failed = fetch_many(["one", "two"], said, table=models, patience=Patience(connect=1.0, sleep=waits.append))
    assert not done
    assert set(failed) == {"one", "two"}
    assert waits == [1.0, 2.0, 4.0]  # of the first alone


def test_one_that_fails_does_not_stop_the_others(web: Model, make: Callable[..., Model], hasty: Patience) -> None:
    bad = Model("bad", "", "", (Web("http://127.0.0.1:1/", ("model.bin",)),), web.files)
    done, failed = fetch_many(["bad", "small"], Quiet(), table=[bad, web], patience=hasty)
    assert [one.name for one in done] == ["small"]
    assert set(failed) == {"bad"}


def test_a_disk_too_small_is_said_before_anything_is_fetched(
    web: Model, hasty: Patience, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type(shutil.disk_usage("/"))(10**9, 10**9 - 10**6, 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DeviceError) as caught:
        _get(web, hasty)
    assert "too full for small" in caught.value.en
    assert "1.0 MB are free" in caught.value.en
    assert "磁盘" in caught.value.zh
    assert site.asked == []


def test_a_disk_that_fills_up_on_the_way_is_said_and_what_came_is_kept(
    web: Model, hasty: Patience, site: Any, monkeypatch: pytest.MonkeyPatch, tako_home: Path
) -> None:
    real = web_module.download

    def fills(url: str, target: Path, size: int, patience: Patience, show: Callable[[int], None]) -> bool:
        try:
            real(url, target, size, Patience(tries=1, backoff=0.0), show)
        except web_module.Unavailable:
            raise OSError(errno.ENOSPC, "No space left on device") from None
        raise AssertionError

    monkeypatch.setattr(web_module, "download", fills)
    site.faults.append(("cut", 98_304))
    with pytest.raises(DeviceError, match="what has arrived is kept"):
        _get(web, hasty)
    assert (tako_home / "partial" / "small" / "web" / "model.bin").stat().st_size == 98_304
    assert not folder("small").exists()


def test_a_home_that_cannot_be_written_is_said(web: Model, hasty: Patience, tako_home: Path) -> None:
    tako_home.write_text("a file where the folder should be")
    with pytest.raises(DeviceError, match="cannot write small"):
        _get(web, hasty)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="I know gemma-3-270m, "):
        fetch("gemma")
