"""Every journal keeps turns and calls alike; the one on disk survives what disks and powers do."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from actions.base import Outcome, Request
from actions.catalogue import make_call
from actions.errors import ActionError, DeviceError, InputError
from actions.outbox import BEGUN, Outbox, retry_waiting
from actions.times.clock import Instant
from agent.types import Decision
from device.journal import MemoryJournal, SqliteJournal
from device.owner import alive, own_name
from device.seams import Journal, Transcript, TurnRecord, Word

AnyJournal = SqliteJournal | MemoryJournal
DAY = 86_400.0
EMAIL = make_call("send_email", "李经理", "", "报告已经完成")
REQUEST = Request(EMAIL, "zh", "给李经理发邮件说报告已经完成")
DONE, WAITING = Outcome("done", "Done.", "250 OK"), Outcome("waiting", "Later.", "no network")
UNKNOWN, CANCELLED = Outcome("unknown", "Who knows."), Outcome("cancelled", "Dropped.")
TURN = TurnRecord(
    started=1_700_000_000.5,
    transcript=Transcript("给李经理发邮件", "zh", 0.8, (Word("给", 0.1, 0.2, 0.9),), "vosk", 1.5, 20.0),
    decision=Decision((EMAIL, make_call("none", "unclear")), "zh", 0.93, EMAIL, {"prefill": 12.0}),
    outcomes=(DONE, WAITING),
    spoken="邮件已发。",
    ms={"listen": 1500.0, "decide": 310.5},
    image="/x/a.jpg",
    error="",
)
ROOT = Path(__file__).parent.parent.parent
FIRST_VERSION = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS turns (
    number INTEGER PRIMARY KEY, started REAL NOT NULL, lang TEXT NOT NULL, heard TEXT NOT NULL, spoken TEXT NOT NULL,
    image TEXT NOT NULL, error TEXT NOT NULL,
    transcript TEXT NOT NULL, decision TEXT NOT NULL, outcomes TEXT NOT NULL, ms TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, started REAL NOT NULL, changed REAL NOT NULL,
    name TEXT NOT NULL, args TEXT NOT NULL, lang TEXT NOT NULL, said TEXT NOT NULL, image TEXT NOT NULL,
    state TEXT NOT NULL, spoken TEXT NOT NULL, detail TEXT NOT NULL, attempts INTEGER NOT NULL, owner TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS calls_by_state ON calls (state);
PRAGMA user_version=1; COMMIT;
"""


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = Instant(1_700_000_000.0, "first boot", 100.0)

    def __call__(self) -> Instant:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now = replace(self.now, wall=self.now.wall + seconds, running=self.now.running + seconds)

    def jump(self, seconds: float) -> None:
        """It is set, as by the network."""
        self.now = replace(self.now, wall=self.now.wall + seconds)

    def boot(self, behind: float = 0.0) -> None:
        """Another boot, with a clock that is behind."""
        self.now = Instant(self.now.wall - behind, "another boot", 5.0)


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture(params=["sqlite", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path, clock: Hand) -> Iterator[AnyJournal]:
    made: AnyJournal = MemoryJournal(clock)
    if request.param == "sqlite":
        made = SqliteJournal(tmp_path / "h" / "history.db", clock=clock)
    yield made
    made.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def open_journal(path: Path) -> Iterator[Callable[[], SqliteJournal]]:
    """Opens the journal at `path`, again and again if need be."""
    opened: list[SqliteJournal] = []

    def make() -> SqliteJournal:
        opened.append(SqliteJournal(path))
        return opened[-1]

    yield make
    for journal in opened:
        journal.close()


class TestEveryJournal:
    def test_is_one(self, journal: AnyJournal) -> None:
        assert isinstance(journal, Journal)
        assert isinstance(journal, Outbox)
        assert journal.notice is None

    def test_turns_come_back_whole_newest_first(self, journal: AnyJournal) -> None:
        other = replace(TURN, decision=None, transcript=Transcript("", "en"), outcomes=(), error="I heard nothing.")
        numbers = [journal.record(TURN), journal.record(other)]
        assert numbers[0] < numbers[1]
        assert [kept.number for kept in journal.turns()] == numbers[::-1]
        assert [kept.turn for kept in journal.turns()] == [other, TURN]
        assert [kept.turn for kept in journal.turns(1)] == [other]

    def test_a_call_is_kept_while_it_is_carried_out(self, journal: AnyJournal) -> None:
        key = journal.begin(REQUEST)
        (kept,) = journal.calls()
        assert (kept.state, kept.outcome, kept.attempts) == (BEGUN, None, 1)
        assert kept.request == replace(REQUEST, key=key)
        assert journal.pending() == ()
        journal.end(key, DONE)
        (kept,) = journal.calls()
        assert (kept.state, kept.outcome) == ("done", DONE)
        assert journal.pending() == ()

    def test_keys_are_new_or_the_requests_own(self, journal: AnyJournal) -> None:
        keys = {journal.begin(REQUEST), journal.begin(REQUEST), journal.begin(replace(REQUEST, key="my-own_key1"))}
        assert len(keys) == 3
        assert "my-own_key1" in keys
        with pytest.raises(ValueError, match="a key is"):
            journal.begin(replace(REQUEST, key="../evil"))

    def test_two_requests_of_one_key_are_one(self, journal: AnyJournal) -> None:
        key = journal.begin(REQUEST)
        for outcome in (None, WAITING, DONE):
            if outcome:
                journal.end(key, outcome)
            with pytest.raises(ActionError, match="already"):
                journal.begin(replace(REQUEST, key=key))
        assert len(journal.calls()) == 1

    def test_waiting_and_unknown_ones_are_pending_oldest_first(self, journal: AnyJournal) -> None:
        keys = [journal.begin(REQUEST) for _ in range(4)]
        for key, outcome in zip(keys, (WAITING, DONE, UNKNOWN), strict=False):
            journal.end(key, outcome)
        assert [(kept.request.key, kept.state) for kept in journal.pending()] == [
            (keys[0], "waiting"),
            (keys[2], "unknown"),
        ]
        assert [kept.request.key for kept in journal.calls()] == keys[::-1]
        assert [kept.request.key for kept in journal.calls(2)] == keys[:1:-1]

    def test_a_waiting_one_is_resumed_once(self, journal: AnyJournal) -> None:
        key = journal.begin(REQUEST)
        journal.end(key, WAITING)
        assert journal.resume(key[:6]) == replace(REQUEST, key=key)
        with pytest.raises(ActionError, match="right now"):
            journal.resume(key)
        (kept,) = journal.calls()
        assert (kept.state, kept.attempts, kept.outcome) == (BEGUN, 2, None)
        journal.end(key, DONE)
        with pytest.raises(ActionError, match="not waiting: it is done"):
            journal.resume(key)

    def test_an_unknown_one_only_when_asked_for(self, journal: AnyJournal) -> None:
        key = journal.begin(REQUEST)
        journal.end(key, UNKNOWN)
        with pytest.raises(ActionError, match="may have been carried out"):
            journal.resume(key)
        assert journal.resume(key, unknown=True).key == key

    @pytest.mark.parametrize("key", ["", "nope", "%", "_"])
    def test_a_key_that_is_none(self, journal: AnyJournal, key: str) -> None:
        journal.end(journal.begin(REQUEST), WAITING)
        with pytest.raises(ActionError, match="no request"):
            journal.resume(key)

    def test_a_key_that_is_two(self, journal: AnyJournal) -> None:
        for key in ("abcd1", "abcd2"):
            journal.end(journal.begin(replace(REQUEST, key=key)), WAITING)
        with pytest.raises(ActionError, match="Several"):
            journal.resume("abcd")

    def test_nothing_ends_that_never_began(self, journal: AnyJournal) -> None:
        with pytest.raises(KeyError):
            journal.end("abcd", DONE)

    def test_answers_stay_with_the_call(self, journal: AnyJournal) -> None:
        request = replace(REQUEST, answers={"greasy": "no", "when": "八点"})
        journal.end(journal.begin(request), WAITING)
        (kept,) = journal.pending()
        assert kept.request.answers == request.answers
        assert journal.resume(kept.request.key).answers == request.answers

    def test_each_try_comes_later_than_the_one_before(self, journal: AnyJournal, clock: Hand) -> None:
        key = journal.begin(REQUEST)
        waits = []
        for _ in range(8):
            journal.end(key, WAITING)
            waits.append(journal.pending()[0].wait)
            clock.pass_(waits[-1])
            assert journal.pending()[0].wait == pytest.approx(0.0, abs=1e-6)
            journal.resume(key)
        for wait, whole in zip(waits, (30, 60, 120, 240, 480, 900, 900, 900), strict=True):
            assert whole * 0.8 <= wait <= whole

    def test_the_age_of_a_call_is_not_the_clocks(self, journal: AnyJournal, clock: Hand) -> None:
        journal.end(journal.begin(REQUEST), WAITING)
        clock.pass_(60.0)
        clock.jump(40 * DAY)  # a Pi that was off for long, and has found the network now
        (kept,) = journal.pending()
        assert kept.age == pytest.approx(60.0)
        journal.end(journal.resume(kept.request.key).key, WAITING)
        clock.pass_(30.0)
        clock.jump(-50 * DAY)
        (kept,) = journal.pending()
        assert kept.age == pytest.approx(90.0)

    def test_a_call_held_back_waits_untried(self, journal: AnyJournal, clock: Hand) -> None:
        key = journal.begin(REQUEST, hold=8.0)
        (kept,) = journal.pending()
        assert (kept.state, kept.attempts, kept.held_back, kept.wait) == ("waiting", 0, True, 8.0)
        clock.pass_(8.0)
        assert journal.pending()[0].wait == pytest.approx(0.0, abs=1e-6)
        journal.resume(key)
        journal.end(key, WAITING)
        assert not journal.pending()[0].held_back

    def test_settling_is_for_what_is_still_as_it_was_read(self, journal: AnyJournal) -> None:
        first, second = (journal.begin(REQUEST) for _ in range(2))
        journal.end(first, WAITING)
        journal.end(second, UNKNOWN)
        waiting, unknown = journal.pending()
        journal.settle(unknown, CANCELLED)
        journal.resume(first)
        with pytest.raises(ActionError, match="right now"):
            journal.settle(waiting, CANCELLED)
        journal.end(first, WAITING)  # it waits again, but it was tried meanwhile
        with pytest.raises(ActionError):
            journal.settle(waiting, CANCELLED)
        journal.settle(journal.find(first[:8]), CANCELLED)
        assert [(kept.state, kept.outcome) for kept in journal.calls()] == [("cancelled", CANCELLED)] * 2
        with pytest.raises(ActionError, match="cancelled"):
            journal.settle(waiting, CANCELLED)

    def test_only_what_waits_is_postponed(self, journal: AnyJournal) -> None:
        first, second = (journal.begin(REQUEST) for _ in range(2))
        journal.end(first, WAITING)
        journal.end(second, DONE)
        for key in (first, second):
            journal.postpone(key, 500.0)
        (kept,) = journal.pending()
        assert (kept.request.key, kept.wait, kept.outcome, kept.attempts) == (first, 500.0, WAITING, 1)
        assert journal.calls()[0].state == "done"

    def test_threads_may_share_it(self, journal: AnyJournal) -> None:
        key = journal.begin(REQUEST)
        journal.end(key, WAITING)
        won: list[str] = []

        def try_it() -> None:
            try:
                won.append(journal.resume(key).key)
            except ActionError:
                return

        threads = [threading.Thread(target=try_it) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won == [key]


class TestOnDisk:
    def test_all_is_there_again(self, open_journal: Callable[[], SqliteJournal]) -> None:
        first = open_journal()
        first.record(TURN)
        key = first.begin(REQUEST)
        first.end(key, WAITING)
        first.close()
        second = open_journal()
        assert second.turns()[0].turn == TURN
        (kept,) = second.pending()
        assert (kept.request, kept.outcome) == (replace(REQUEST, key=key), WAITING)

    def test_what_waits_is_due_when_it_was_after_another_boot(self, path: Path, clock: Hand) -> None:
        first = SqliteJournal(path, clock=clock)
        first.begin(REQUEST, hold=600.0)
        clock.pass_(100.0)
        first.close()
        clock.boot()
        second = SqliteJournal(path, clock=clock)
        assert second.pending()[0].wait == pytest.approx(500.0)
        clock.boot(behind=5 * DAY)  # nobody knows how long ago it was: better now than in five days
        assert second.pending()[0].wait == 0.0
        assert second.pending()[0].age == 0.0
        second.close()

    def test_a_history_of_the_first_version(self, path: Path, clock: Hand) -> None:
        """Made by tako 0.3.0: nothing of it is lost, and what waits goes on waiting."""
        photo = path.with_name("photo.jpg")
        photo.write_bytes(b"pixels")
        old = sqlite3.connect(path)
        old.execute("PRAGMA journal_mode=WAL")
        old.executescript(FIRST_VERSION)
        for number, state in enumerate(("waiting", "done", "unknown", "begun"), 1):
            old.execute(
                "INSERT INTO calls VALUES (?, ?, ?, ?, 'send_text', ?, 'zh', '跟妈妈说', ?, ?, 'Later.', 'x', 2, 'dead')",  # noqa: E501
                (number, f"key{number}", 1e9, 1e9, '{"recipient":"妈妈","message":"晚点到"}', str(photo), state),
            )
        old.commit()
        old.close()
        journal = SqliteJournal(path, clock=clock)
        assert journal.notice is None
        assert [(kept.request.key, kept.state) for kept in journal.pending()] == [
            ("key1", "waiting"),
            ("key3", "unknown"),
            ("key4", "unknown"),
        ]
        kept = journal.find("key1")
        assert kept.request == Request(make_call("send_text", "妈妈", "晚点到"), "zh", "跟妈妈说", photo, "key1")
        assert (kept.attempts, kept.wait, kept.outcome) == (2, 0.0, Outcome("waiting", "Later.", "x"))
        assert kept.age == pytest.approx(clock.now.wall - 1e9)
        assert journal.resume("key1").key == "key1"
        journal.begin(replace(REQUEST, answers={"when": "now"}))
        journal.close()
        SqliteJournal(path, clock=clock).close()  # and once more
        assert _rows(path, "PRAGMA user_version") == ["2"]

    def test_many_who_bring_it_up_to_date_at_once(self, path: Path) -> None:
        old = sqlite3.connect(path)
        old.executescript(FIRST_VERSION)
        old.close()
        failed: list[BaseException] = []

        def open_it() -> None:
            try:
                SqliteJournal(path).close()
            except BaseException as error:  # noqa: BLE001 - a thread has nobody to raise to
                failed.append(error)

        threads = [threading.Thread(target=open_it) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert _rows(path, "PRAGMA user_version") == ["2"]

    def test_two_processes_see_each_other(self, open_journal: Callable[[], SqliteJournal]) -> None:
        one, two = open_journal(), open_journal()
        key = one.begin(REQUEST)
        assert [kept.state for kept in two.calls()] == [BEGUN]  # this process lives, so it is not unknown
        one.end(key, WAITING)
        assert two.resume(key).key == key
        with pytest.raises(ActionError, match="right now"):
            one.resume(key)

    @pytest.mark.parametrize(("folder", "file_mode"), [(0o755, 0o600), (0o2770, 0o660)])
    def test_who_may_read_it(self, tmp_path: Path, folder: int, file_mode: int) -> None:
        """The owner only; the group as well in a folder that is shared with it, as the service's is."""
        (tmp_path / "state").mkdir()
        (tmp_path / "state").chmod(folder)
        photo = tmp_path / "photo.jpg"
        photo.write_bytes(b"pixels")
        before = os.umask(0o007)
        try:
            journal = SqliteJournal(tmp_path / "state" / "history" / "history.db")
            journal.begin(replace(REQUEST, image=photo))
        finally:
            os.umask(before)
        files = [path for path in (tmp_path / "state" / "history").rglob("*") if path.is_file()]
        assert len(files) == 4  # the database, its two side files and a picture
        assert {path.stat().st_mode & 0o777 for path in files} == {file_mode}
        assert (tmp_path / "state" / "history").stat().st_mode & 0o007 == 0
        journal.close()

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_killed_between_begin_and_end(
        self, open_journal: Callable[[], SqliteJournal], path: Path, moment: str
    ) -> None:
        """The process dies for good while it acts, before or after the deed: nobody can know which, and it says so."""
        deed = path.with_name("deed")
        script = f"""
            import os, signal
            from pathlib import Path
            from actions.base import Request
            from actions.catalogue import make_call
            from device.journal import SqliteJournal
            journal = SqliteJournal(Path({str(path)!r}))
            waiting = journal.begin(Request(make_call("send_text", "mom", "hi"), "en", key="waiting1"))
            from actions.base import Outcome
            journal.end(waiting, Outcome("waiting", "Later."))
            journal.begin(Request(make_call("send_email", "anna", "", "hello"), "en", key="begun001"))
            if {moment == "after"}:
                Path({str(deed)!r}).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        """
        ended = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, timeout=60, check=False)
        assert ended.returncode == -signal.SIGKILL
        assert deed.exists() is (moment == "after")
        journal = open_journal()
        states = {kept.request.key: kept.state for kept in journal.pending()}
        assert states == {"waiting1": "waiting", "begun001": "unknown"}
        unknown = journal.pending()[1]
        assert unknown.outcome
        assert "don't know whether that was done" in unknown.outcome.spoken

        performed: list[str] = []

        class Noting:
            name = "send_text"

            def read_back(self, request: Request) -> str:
                return "?"

            def perform(self, request: Request) -> Outcome:
                performed.append(request.key)
                return DONE

        actions = {"send_text": Noting(), "send_email": Noting()}
        assert len(list(retry_waiting(journal, actions, all_now=True))) == 1
        assert performed == ["waiting1"]  # the unknown one is not repeated by itself
        assert journal.resume("begun001", unknown=True).call.name == "send_email"
        assert own_name() in _rows(path, "SELECT owner FROM calls WHERE key = 'begun001'")

    def test_a_live_process_is_told_from_a_dead_one(self) -> None:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        name = own_name().replace(f"/{os.getpid()}/", f"/{child.pid}/")
        boot, pid, _ = own_name().split("/")
        start = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]
        its_name = f"{boot}/{child.pid}/{start}"
        assert alive(own_name())
        assert alive(its_name)
        assert not alive(name)  # the id of another
        child.communicate(b"\n", timeout=30)
        assert not alive(its_name)
        assert not alive(f"another-boot/{pid}/{own_name().split('/')[2]}")
        assert not alive("")
        assert not alive("x/y/z")
        assert not alive(f"{boot}/{pid}/")

    def test_pictures_stay_as_long_as_they_are_needed(
        self, open_journal: Callable[[], SqliteJournal], tmp_path: Path
    ) -> None:
        photo = tmp_path / "photo.JPG"
        photo.write_bytes(b"pixels")
        journal = open_journal()
        key = journal.begin(replace(REQUEST, image=photo))
        photo.unlink()  # as a turn does when it ends
        journal.end(key, WAITING)
        image = journal.resume(key).image
        assert image
        assert image.read_bytes() == b"pixels"
        assert image.stat().st_mode & 0o077 == 0
        journal.end(key, DONE)
        assert not image.exists()

    def test_a_picture_that_is_gone(self, open_journal: Callable[[], SqliteJournal], tmp_path: Path) -> None:
        journal = open_journal()
        with pytest.raises(InputError, match=r"none\.jpg"):
            journal.begin(replace(REQUEST, image=tmp_path / "none.jpg"))
        assert journal.calls() == ()
        photo = tmp_path / "photo.jpg"
        photo.write_bytes(b"pixels")
        key = journal.begin(replace(REQUEST, image=photo))
        journal.end(key, WAITING)
        (kept,) = journal.pending()
        assert kept.request.image
        kept.request.image.unlink()
        with pytest.raises(ActionError, match="picture of that request is gone"):
            journal.resume(key)
        assert journal.pending() == (kept,)

    def test_pictures_are_kept_for_the_days_of_the_settings(self, path: Path, tmp_path: Path) -> None:
        photo = tmp_path / "photo.jpg"
        photo.write_bytes(b"pixels")
        journal = SqliteJournal(path, keep_pictures=2)
        done, waiting = (journal.begin(replace(REQUEST, image=photo)) for _ in range(2))
        journal.end(done, DONE)
        journal.end(waiting, WAITING)
        journal.close()
        names = {p.stem for p in (tmp_path / "pictures").iterdir()}
        assert names == {done, waiting}
        for days, left in ((1, {done, waiting}), (3, {waiting})):
            for picture in (tmp_path / "pictures").iterdir():
                os.utime(picture, (time.time() - days * 86_400,) * 2)
            SqliteJournal(path, keep_pictures=2).close()
            assert {p.stem for p in (tmp_path / "pictures").iterdir()} == left


def _rows(path: Path, sql: str) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return [str(row[0]) for row in connection.execute(sql)]
    finally:
        connection.close()


class TestBadDisks:
    @pytest.mark.parametrize("damage", ["header", "middle", "garbage"])
    def test_a_damaged_history_is_set_aside_whole(
        self, open_journal: Callable[[], SqliteJournal], path: Path, damage: str
    ) -> None:
        first = open_journal()
        for _ in range(50):
            first.record(TURN)
        first.close()
        content = bytearray(path.read_bytes())
        if damage == "garbage":
            content = bytearray(b"this is no database at all " * 100)
        else:
            start = 0 if damage == "header" else 4096
            content[start : start + 3000] = b"\xff" * 3000
        path.write_bytes(content)
        second = open_journal()
        assert second.turns() == ()
        assert second.notice
        assert "set it aside as history.db.damaged-" in second.notice.spoken("en")
        assert "已损坏" in second.notice.spoken("zh")
        (aside,) = (p for p in path.parent.glob("history.db.damaged-*") if not p.name.endswith(("-wal", "-shm")))
        assert aside.read_bytes() == content
        second.record(TURN)
        second.close()
        third = open_journal()
        assert third.notice is None
        assert len(third.turns()) == 1

    def test_one_damaged_again_overwrites_nothing(self, open_journal: Callable[[], SqliteJournal], path: Path) -> None:
        for i in range(3):
            path.write_bytes(b"damaged %d" % i * 100)
            open_journal().close()
        assert sorted(p.read_bytes()[:9] for p in path.parent.glob("*damaged*")) == [
            b"damaged %d" % i for i in range(3)
        ]

    def test_a_newer_history_is_left_alone(self, open_journal: Callable[[], SqliteJournal], path: Path) -> None:
        open_journal().close()
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        with pytest.raises(DeviceError, match="newer tako"):
            open_journal()

    def test_a_place_that_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("not a folder")
        for place in (tmp_path / "file" / "history.db", tmp_path):
            with pytest.raises(DeviceError, match="history"):
                SqliteJournal(place)

    def test_a_held_history(
        self, open_journal: Callable[[], SqliteJournal], path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("actions.database.BUSY_SECONDS", 0.1)
        journal = open_journal()
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        try:
            with pytest.raises(DeviceError, match="Another program is holding"):
                journal.begin(REQUEST)
        finally:
            holder.execute("ROLLBACK")
            holder.close()
        assert journal.begin(REQUEST)

    def test_a_full_disk_loses_nothing_that_was_there(
        self, open_journal: Callable[[], SqliteJournal], path: Path
    ) -> None:
        """In a process of its own whose files may not grow: what the kernel then says is what a full disk says."""
        first = open_journal()
        key = first.begin(REQUEST)
        first.end(key, WAITING)
        first.close()
        script = f"""
            import resource, signal, sys
            from pathlib import Path
            from actions.base import Request
            from actions.catalogue import make_call
            from actions.errors import DeviceError
            from device.journal import SqliteJournal
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            journal = SqliteJournal(Path({str(path)!r}))
            resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
            try:
                for _ in range(1000):
                    journal.begin(Request(make_call("send_text", "mom", "hi " * 500), "en"))
            except DeviceError as error:
                print(error.en)
                sys.exit(error.exit_code)
        """
        ended = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            cwd=ROOT,
            timeout=60,
            check=False,
            capture_output=True,
            text=True,
        )
        assert (ended.returncode, ended.stderr) == (4, "")
        assert "history" in ended.stdout or "disk is full" in ended.stdout
        journal = open_journal()
        assert journal.notice is None
        assert journal.calls()[-1].request.key == key
        assert journal.resume(key).key == key

    def test_a_disk_of_too_few_pages(self, open_journal: Callable[[], SqliteJournal], path: Path) -> None:
        journal = open_journal()
        key = journal.begin(REQUEST)
        journal._database.write("PRAGMA max_page_count = 12")

        def fill() -> None:
            for _ in range(1000):
                journal.record(TURN)

        with pytest.raises(DeviceError, match="The disk is full"):
            fill()
        journal.end(key, DONE)
        assert journal.calls()[0].state == "done"

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become a user who may not write here")
    def test_a_history_that_may_not_be_written(self, open_journal: Callable[[], SqliteJournal], path: Path) -> None:
        open_journal().close()
        script = f"""
            import os, sys
            from pathlib import Path
            from actions.errors import DeviceError
            from device.journal import SqliteJournal
            os.setgid(65534)
            os.setuid(65534)
            try:
                SqliteJournal(Path({str(path)!r}))
            except DeviceError as error:
                print(error.en)
                sys.exit(error.exit_code)
        """
        ended = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            cwd=ROOT,
            timeout=60,
            check=False,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 4, ended.stderr
        assert "I may not write to my history" in ended.stdout
