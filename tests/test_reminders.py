"""Reminders: times as they are said, when they come, and that each is told once whatever the power and the clock do."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from actions.errors import ActionError, DeviceError, Question
from actions.times.clock import Instant, local_zone, now
from actions.times.reminders import MOST, Reminders
from actions.times.schedule import Schedule
from actions.times.when import read_when, task_said
from actions.times.when_zh import number
from device.reminders import Bell

ROOT = Path(__file__).resolve().parent.parent
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 14, 0, tzinfo=BERLIN)  # a Wednesday
DAY = 86_400.0

# words | when, as it is said back | what is to be remembered
SAID = """
every day at eight | every day at 8:00 |
remind me to feed him every day at eight | every day at 8:00 | feed him
Remind me to feed him every day at 8 a.m. | every day at 8:00 | feed him
every morning | every day at 8:00 |
every morning at seven fifteen | every day at 7:15 |
tomorrow at 6 pm | tomorrow at 6:00 pm |
tomorrow at 6 | tomorrow at 6:00 |
tomorrow at 4 | tomorrow at 4:00 pm |
in two hours | in 2 hours |
on mondays at 7 | every Monday at 7:00 |
remind me every day at six thirty p m to walk the dog | every day at 6:30 pm | walk the dog
remind me to give rex two pills at eight every morning | every day at 8:00 | give rex 2 pills
every day at 8 and 18 | every day at 8:00 and 6:00 pm |
every day in the morning at 8 and in the evening at 6 | every day at 8:00 and 6:00 pm |
twice a day | every day at 8:00 and 6:00 pm |
three times a day | every day at 8:00, 1:00 pm and 6:00 pm |
once a day at eight | every day at 8:00 |
every monday and wednesday at half past seven | every Monday and Wednesday at 7:30 |
every tuesday, thursday and saturday evening | every Tuesday, Thursday and Saturday at 7:00 pm |
at noon every day | every day at noon |
at midnight | today at midnight |
tonight at eleven | today at 11:00 pm |
tomorrow morning | tomorrow at 8:00 |
tomorrow morning at nine | tomorrow at 9:00 |
in half an hour | in 30 minutes |
in an hour and a half | in 1 hour and 30 minutes |
in 90 minutes | in 1 hour and 30 minutes |
five minutes from now | in 5 minutes |
every four hours | every 4 hours |
every hour | every hour |
every other day at quarter to nine | every 2 days at 8:45 |
every two weeks on friday at 5 pm | every 2 weeks on Friday at 5:00 pm |
every month on the first at 9 | every month on the 1st at 9:00 |
on the 5th of every month at ten a m | every month on the 5th at 10:00 |
every 3 months on the 1st at 8 | every 3 months on the 1st at 8:00 |
next friday at 3 | on 4 December at 3:00 pm |
friday at 3 | on Friday at 3:00 pm |
wednesday at 9 | on 2 December at 9:00 |
wednesday at 9 pm | today at 9:00 pm |
on december 24th at 6 pm | on 24 December at 6:00 pm |
24 december at 18:00 | on 24 December at 6:00 pm |
on the 3rd at 8 | on 3 December at 8:00 |
the day after tomorrow at twenty five past ten | on Friday at 10:25 |
in three days | on Saturday at 2:00 pm |
in a week at 8 | on 2 December at 8:00 |
on weekdays at seven fifteen | on weekdays at 7:15 |
at weekends at 10 | on weekends at 10:00 |
at six | today at 6:00 pm |
at one | tomorrow at 1:00 pm |
every evening at 7 | every day at 7:00 pm |
every night at ten | every day at 10:00 pm |
every day at 08:00 | every day at 8:00 |
every day at 20:05 | every day at 8:05 pm |
every day at six oh five | every day at 6:05 |
2027-01-05 at 9:30 | on 5 January at 9:30 |
please remind me that i should call mom at 5 pm | today at 5:00 pm | call mom
don't let me forget to water the plants every sunday at 9 am | every Sunday at 9:00 | water the plants
remind me in ten minutes about the oven | in 10 minutes | the oven
remind me to give him his pill twice a day at seven and seven | every day at 7:00 and 7:00 pm | give him his pill
twice a day at eight | every day at 8:00 and 8:00 pm |
every first of the month at 9 am | every month on the 1st at 9:00 |
every year on may 1st at 9 | every year on 1 May at 9:00 |
feed the 2 cats at 7 and the dog at 8 every day | every day at 7:00 and 8:00 |
at 5:30 every weekday morning | on weekdays at 5:30 |
set a reminder for ten past eight tonight to let the dog out | today at 8:10 pm | let the dog out
每年五月一号早上九点 | 每年5月1日9点 |
每天早晚喂两次猫 | 每天8点和晚上7点 | 喂两次猫
每天零点 | 每天半夜12点 |
每天早上八点 | 每天8点 |
每天早上八点提醒我喂猫 | 每天8点 | 喂猫
每 天 早 上 八 点 提 醒 我 喂 猫 | 每天8点 | 喂猫
每天早上8:30 | 每天8点半 |
明天下午三点 | 明天下午3点 |
提醒我明天下午三点半带狗去看医生 | 明天下午3点半 | 带狗去看医生
两小时后 | 2小时后 |
半小时后提醒我关火 | 30分钟后 | 关火
一个半小时后 | 1小时30分钟后 |
十分钟之后叫我 | 10分钟后 |
请提醒我过两个小时去遛狗 | 2小时后 | 遛狗
每周一三五晚上七点 | 每周一、三、五晚上7点 |
每周二、周四晚上八点 | 每周二、四晚上8点 |
每周一和周三下午五点 | 每周一、三下午5点 |
每星期天早上九点 | 每周日9点 |
每晚 | 每天晚上7点 |
今晚九点 | 今天晚上9点 |
今晚十二点 | 今天半夜12点 |
明早七点一刻 | 明天7点15分 |
后天中午 | 后天中午12点 |
隔天早上九点 | 每2天9点 |
每隔一天早上九点 | 每2天9点 |
每两小时 | 每2小时 |
每小时 | 每小时 |
每隔四个小时提醒我喂水 | 每4小时 | 喂水
每月一号上午十点 | 每月1号10点 |
每个月15号晚上8点 | 每月15号晚上8点 |
每三个月的一号早上八点 | 每3个月的1号8点 |
下周五下午两点 | 12月4日下午2点 |
周五下午两点 | 后天下午2点 |
12月24号晚上六点 | 12月24日晚上6点 |
三天后 | 周六下午2点 |
一周后早上八点 | 12月2日8点 |
工作日早上七点 | 工作日7点 |
周一到周五早上七点 | 工作日7点 |
每个周末上午十点 | 每个周末10点 |
每两周的周五下午五点 | 每2周的周五下午5点 |
每天两次 | 每天8点和晚上6点 |
每天早晚各一次 | 每天8点和晚上7点 |
每天早上八点和晚上六点 | 每天8点和晚上6点 |
每天给狗喂一点狗粮，早上八点 | 每天8点 | 给狗喂一点狗粮
差五分八点 | 今天晚上7点55分 |
每天八点零五分 | 每天8点05分 |
凌晨三点 | 明天凌晨3点 |
晚上七點提醒我給倉鼠換水 | 今天晚上7点 | 給倉鼠換水
""".strip().splitlines()
NOT_SAID = """
remind me to feed the cat
remind me to feed the cat tomorrow
every day
once a week
every month
at 25
at 8:75
on the 31st of february at 8
on the 40th at 8
give her pill number 2 every day
today at 1 pm
提醒我喂猫
每天提醒我给猫吃药
明天
每周
每天给狗喂一点狗粮
2月30号八点
今天早上八点
""".strip().splitlines()


def language(text: str) -> str:
    return "zh" if any("\u4e00" <= character <= "\u9fff" for character in text) else "en"


@pytest.mark.parametrize("line", SAID)
def test_times_that_are_said(line: str) -> None:
    text, when, task = (part.strip() for part in line.split("|"))
    lang = language(text)
    assert read_when(text, lang, NOW).spoken(lang, NOW.date()) == when
    if task:
        assert task_said(text, lang) == task


@pytest.mark.parametrize("text", NOT_SAID)
def test_times_that_are_not(text: str) -> None:
    with pytest.raises(Question) as question:
        read_when(text, language(text), NOW)
    assert question.value.about == "when"
    assert question.value.en.endswith("?")
    assert question.value.zh.endswith("？")


@pytest.mark.parametrize(
    ("text", "answer", "when"),
    [
        ("remind me to feed the cat every day", "eight", "every day at 8:00"),
        ("remind me to feed the cat every day", "at half past six in the evening", "every day at 6:30 pm"),
        ("remind me to feed the cat", "every morning", "every day at 8:00"),
        ("remind me to feed the cat", "in two hours", "in 2 hours"),
        ("每天提醒我喂猫", "八点", "每天8点"),
        ("每天提醒我喂猫", "八", "每天8点"),
        ("提醒我喂猫", "明天早上七点半。", "明天7点半"),
    ],
)
def test_the_answer_to_the_question(text: str, answer: str, when: str) -> None:
    lang = language(text)
    assert read_when(text, lang, NOW, answer).spoken(lang, NOW.date()) == when


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "at " * 5000, "9" * 5000, "零" * 500 + "点", "<b>at 8</b>" * 50, "每" * 900]
)
def test_nonsense_ends_in_a_question_or_a_time(text: str) -> None:
    for answer in ("", text):
        with contextlib.suppress(Question):
            assert read_when(text, "en", NOW, answer).times
    assert len(task_said(text, "en")) <= len(text)


@pytest.mark.parametrize(("text", "value"), [("十", 10), ("十二", 12), ("二十", 20), ("二十五", 25), ("两", 2),
                                             ("零五", 5), ("三零", 30), ("59", 59)])  # fmt: skip
def test_chinese_numbers(text: str, value: int) -> None:
    assert number(text) == value


def at(year: int, month: int, day: int, hour: int, minute: int = 0) -> Instant:
    wall = datetime(year, month, day, hour, minute, tzinfo=BERLIN).timestamp()
    return Instant(wall, "boot", wall - 1e9)


def times(schedule: Schedule, start: Instant, count: int) -> list[str]:
    found, last = [], start
    for _ in range(count):
        due = schedule.due(last, last, BERLIN)
        if due is None:
            break
        found.append(datetime.fromtimestamp(due, BERLIN).strftime("%m-%d %H:%M"))
        last = Instant(due, "boot", due - 1e9)
    return found


class TestSchedule:
    def test_the_day_clocks_are_set_forward_and_back(self) -> None:
        """In Berlin 2:30 does not exist on 29 March 2026, and exists twice on 25 October."""
        daily = Schedule("days", times=((2, 30),), start=date(2026, 3, 1))
        assert times(daily, at(2026, 3, 27, 12), 3) == ["03-28 02:30", "03-29 03:30", "03-30 02:30"]
        assert times(daily, at(2026, 10, 23, 12), 3) == ["10-24 02:30", "10-25 02:30", "10-26 02:30"]
        eight = Schedule("days", times=((8, 0),), start=date(2026, 3, 1))
        assert times(eight, at(2026, 3, 28, 9), 2) == ["03-29 08:00", "03-30 08:00"]

    def test_days_weeks_and_months(self) -> None:
        start = at(2026, 11, 25, 14)
        day = date(2026, 11, 25)
        assert times(Schedule("days", 2, ((20, 0),), (), day), start, 3) == [
            "11-25 20:00",
            "11-27 20:00",
            "11-29 20:00",
        ]
        assert times(Schedule("weeks", 1, ((7, 0), (19, 0)), (0, 2), day), start, 4) == [
            "11-25 19:00",
            "11-30 07:00",
            "11-30 19:00",
            "12-02 07:00",
        ]
        assert times(Schedule("weeks", 2, ((7, 0),), (0,), day), start, 2) == ["12-07 07:00", "12-21 07:00"]
        assert times(Schedule("months", 1, ((9, 0),), (31,), day), start, 4) == [
            "11-30 09:00",
            "12-31 09:00",
            "01-31 09:00",
            "02-28 09:00",
        ]
        assert times(Schedule("months", 3, ((9, 0),), (1,), day), start, 2) == ["02-01 09:00", "05-01 09:00"]

    def test_once_is_once(self) -> None:
        twice = Schedule("once", times=((8, 0), (24, 0)), start=date(2026, 11, 26))
        assert times(twice, at(2026, 11, 25, 14), 5) == ["11-26 08:00", "11-27 00:00"]

    @pytest.mark.parametrize(
        "said", ["every day at 8", "on mondays at 7", "every month on the 31st at 9", "every 2 days at 9 pm"]
    )
    def test_it_always_comes_again(self, said: str) -> None:
        schedule, last = read_when(said, "en", NOW), at(2026, 11, 25, 14)
        for _ in range(400):
            due = schedule.due(last, last, BERLIN)
            assert due is not None
            assert due > last.wall
            last = Instant(due)


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = at(2026, 11, 25, 14)
        self.set = False  # from the network

    def __call__(self) -> Instant:
        return self.now

    def to(self, instant: Instant) -> None:
        self.now = replace(instant, boot=self.now.boot)

    def pass_(self, seconds: float) -> None:
        self.now = replace(self.now, wall=self.now.wall + seconds, running=self.now.running + seconds)

    def jump(self, seconds: float) -> None:
        self.now = replace(self.now, wall=self.now.wall + seconds)

    def boot(self, behind: float = 0.0) -> None:
        self.now = Instant(self.now.wall - behind, f"after {self.now.boot}", 3.0)


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def opened(tmp_path: Path, clock: Hand) -> Iterator[Callable[[], Reminders]]:
    """Opens the reminders, again and again if need be."""
    made: list[Reminders] = []

    def open_() -> Reminders:
        made.append(Reminders(tmp_path / "reminders", clock, lambda: BERLIN, lambda: clock.set))
        return made[-1]

    yield open_
    for reminders in made:
        reminders.close()


def told(reminders: Reminders) -> list[str]:
    """Tells all that is due, as the service does, and returns it."""
    said = []
    for due in reminders.due():
        assert reminders.begin(due)
        said.append(due.spoken())
        reminders.done(due)
    return said


class TestReminders:
    def test_every_day_it_is_told_once(self, opened: Callable[[], Reminders], clock: Hand) -> None:
        reminders = opened()
        assert reminders.add("feed the cat", "every day at eight", "en").spoken("en") == "every day at 8:00"
        assert reminders.list()[0].spoken("zh") == "每天8点"
        heard = []
        for _ in range(4 * 24 * 2):  # four days in steps of half an hour
            clock.pass_(1800)
            heard += [(clock.now.wall, sentence) for sentence in told(reminders)]
        assert [sentence for _, sentence in heard] == ["Reminder: feed the cat."] * 4
        assert {datetime.fromtimestamp(wall, BERLIN).strftime("%H:%M") for wall, _ in heard} == {"08:00"}

    def test_once_then_it_is_gone(self, opened: Callable[[], Reminders], clock: Hand) -> None:
        reminders = opened()
        reminders.add("看医生", "明天下午三点", "zh")
        clock.to(at(2026, 11, 26, 14, 59))
        assert told(reminders) == []
        clock.to(at(2026, 11, 26, 15))
        assert told(reminders) == ["提醒：看医生。"]
        assert reminders.list() == ()
        assert told(reminders) == []

    def test_in_two_hours_is_two_hours_though_the_clock_is_set(
        self, opened: Callable[[], Reminders], clock: Hand
    ) -> None:
        reminders = opened()
        reminders.add("turn off the oven", "in two hours", "en")
        clock.pass_(3600)
        clock.jump(30 * DAY)
        assert told(reminders) == []
        clock.pass_(3599)
        assert told(reminders) == []
        clock.pass_(1)
        assert told(reminders) == ["Reminder: turn off the oven."]
        assert reminders.list() == ()

    def test_every_two_hours(self, opened: Callable[[], Reminders], clock: Hand) -> None:
        reminders = opened()
        reminders.add("drink", "every two hours", "en")
        heard = []
        for _ in range(100):
            clock.pass_(600)
            heard += told(reminders)
        assert heard == ["Reminder: drink."] * 8

    @pytest.mark.parametrize(("lang", "sentence"), [
        ("en", "A late reminder, it was for 8:00 yesterday: feed the cat."),
        ("zh", "补一个提醒，本该在昨天8点：喂猫。"),
    ])  # fmt: skip
    def test_what_was_missed_is_told_once_and_says_when_it_was_due(
        self, opened: Callable[[], Reminders], clock: Hand, lang: str, sentence: str
    ) -> None:
        first = opened()
        first.add("feed the cat" if lang == "en" else "喂猫", "every day at 8", lang)
        first.close()
        clock.to(at(2026, 12, 3, 7))  # a week without power
        clock.boot()
        second = opened()
        assert told(second) == [sentence]
        assert told(second) == []
        clock.to(at(2026, 12, 3, 8))
        assert len(told(second)) == 1

    def test_a_clock_that_is_not_set_yet_is_waited_for(self, opened: Callable[[], Reminders], clock: Hand) -> None:
        first = opened()
        first.add("feed the cat", "every day at 8", "en")
        clock.to(at(2026, 11, 26, 8))
        assert told(first) == ["Reminder: feed the cat."]
        clock.pass_(3600)
        assert told(first) == []
        clock.boot(behind=4 * 3600.0)  # 5:00 again
        second = opened()
        for _ in range(200):  # over eight o'clock, which was told already
            clock.pass_(60)
            assert told(second) == []
            if clock.now.wall > at(2026, 11, 26, 8, 15).wall:
                break
        clock.jump(DAY)  # the network sets it
        clock.set = True
        assert told(second) == ["A late reminder, it was for 8:00: feed the cat."]
        assert told(second) == []

    def test_a_clock_that_was_far_ahead_silences_nothing(self, opened: Callable[[], Reminders], clock: Hand) -> None:
        reminders = opened()
        reminders.add("feed the cat", "every day at 8", "en")
        clock.jump(20_000 * DAY)
        assert len(told(reminders)) == 1  # it cannot know better
        clock.jump(-20_000 * DAY)
        clock.set = True
        assert told(reminders) == []
        clock.to(at(2026, 11, 26, 8))
        assert told(reminders) == ["Reminder: feed the cat."]

    def test_set_back_an_hour_it_is_not_told_again(self, opened: Callable[[], Reminders], clock: Hand) -> None:
        reminders = opened()
        reminders.add("feed the cat", "every day at 8", "en")
        clock.to(at(2026, 11, 26, 8))
        clock.set = True
        assert len(told(reminders)) == 1
        clock.jump(-3600)
        for _ in range(90):
            clock.pass_(60)
            assert told(reminders) == []

    def test_a_day_cannot_be_named_by_a_clock_that_is_not_set(
        self, opened: Callable[[], Reminders], clock: Hand
    ) -> None:
        opened().add("feed the cat", "every day at 8", "en")
        clock.boot(behind=3 * DAY)
        reminders = opened()
        with pytest.raises(ActionError, match="clock is not set"):
            reminders.add("see the vet", "tomorrow at 3", "en")
        assert reminders.add("turn it off", "in ten minutes", "en").spoken("en") == "in 10 minutes"
        clock.pass_(600)
        assert told(reminders) == ["Reminder: turn it off."]

    def test_the_same_key_is_the_same_reminder(self, opened: Callable[[], Reminders]) -> None:
        reminders = opened()
        first = reminders.add("feed the cat", "every day at 8", "en", key="k1")
        assert reminders.add("feed the cat", "every day at 8", "en", key="k1") == first
        assert reminders.add("feed the cat", "every day at 8", "en").id != first.id
        assert len(reminders.list()) == 2

    def test_removing(self, opened: Callable[[], Reminders]) -> None:
        reminders = opened()
        kept = reminders.add("feed the cat", "every day at 8", "en")
        assert reminders.remove(kept.id) == kept
        with pytest.raises(ActionError, match=f"no reminder {kept.id}"):
            reminders.remove(kept.id)
        assert reminders.add("another", "every day at 8", "en").id > kept.id  # a number is never used again

    def test_removed_while_it_was_due(self, opened: Callable[[], Reminders], clock: Hand) -> None:
        reminders = opened()
        kept = reminders.add("feed the cat", "every day at 8", "en")
        clock.to(at(2026, 11, 26, 8))
        (due,) = reminders.due()
        reminders.remove(kept.id)
        assert not reminders.begin(due)

    def test_of_two_processes_one_tells_it(self, opened: Callable[[], Reminders], clock: Hand) -> None:
        one, two = opened(), opened()
        one.add("feed the cat", "every day at 8", "en")
        clock.to(at(2026, 11, 26, 8))
        (mine,), (yours,) = one.due(), two.due()
        assert one.begin(mine)
        assert not two.begin(yours)

    def test_cut_off_while_it_was_told_it_says_so(self, opened: Callable[[], Reminders], clock: Hand) -> None:
        """Nobody knows whether it was heard: it is told once more, and not as if it were new."""
        first = opened()
        first.add("feed the cat", "every day at 8", "en")
        clock.to(at(2026, 11, 26, 8))
        assert first.begin(first.due()[0])
        first.close()
        clock.boot()
        second = opened()
        assert told(second) == ["I may have said this before: feed the cat."]
        assert told(second) == []
        clock.to(at(2026, 11, 27, 8))
        assert told(second) == ["Reminder: feed the cat."]

    def test_hostile_and_long_words(self, opened: Callable[[], Reminders]) -> None:
        reminders = opened()
        kept = reminders.add("x\r\n<script>\x00'); DROP TABLE reminders;--" + "y" * 5000, "every day at 8", "en")
        assert len(kept.text) <= 300
        assert "\n" not in kept.text
        assert reminders.list() == (kept,)

    def test_not_without_end(self, opened: Callable[[], Reminders], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("actions.times.reminders.MOST", 3)
        assert MOST > 100
        reminders = opened()
        for _ in range(3):
            reminders.add("feed the cat", "every day at 8", "en")
        with pytest.raises(ActionError, match="too many reminders"):
            reminders.add("feed the cat", "every day at 8", "en")

    def test_only_its_owner_may_read_it(self, opened: Callable[[], Reminders], tmp_path: Path) -> None:
        opened().add("take the pill", "every day at 8", "en")
        assert {path.stat().st_mode & 0o077 for path in (tmp_path / "reminders").iterdir()} == {0}

    def test_a_damaged_file_is_set_aside_and_said(self, opened: Callable[[], Reminders], tmp_path: Path) -> None:
        opened().close()
        (tmp_path / "reminders" / "reminders.sqlite").write_bytes(b"no database" * 1000)
        reminders = opened()
        assert reminders.notice
        assert reminders.notice.en.startswith("My list of reminders was damaged.")
        assert reminders.list() == ()

    def test_a_full_disk_is_a_sentence(self, opened: Callable[[], Reminders]) -> None:
        reminders = opened()
        kept = reminders.add("feed the cat", "every day at 8", "en")
        reminders._database.write("PRAGMA max_page_count = 6")

        def fill() -> None:
            for _ in range(MOST):
                reminders.add("x" * 290, "every day at 8", "en")

        with pytest.raises(DeviceError, match="The disk is full"):
            fill()
        assert reminders.list()[0] == kept

    def test_killed_at_any_point_nothing_is_told_twice_as_new(self, tmp_path: Path) -> None:
        """A process that tells reminders of every second is killed, again and again."""
        folder, heard = tmp_path / "reminders", tmp_path / "heard"
        script = f"""
            import os, random, signal, threading, time
            from pathlib import Path
            from actions.times.clock import Instant
            from actions.times.reminders import Reminders
            folder, heard = Path({str(folder)!r}), os.open({str(heard)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            reminders = Reminders(folder)
            for number in range(24):
                reminders.add(f"number {{number}}", "in one second", "en")
            reminders.close()
            time.sleep(1.0)
            for _ in range(8):
                child = os.fork()
                if not child:
                    reminders = Reminders(folder)
                    while True:
                        for due in reminders.due():
                            if reminders.begin(due):
                                os.write(heard, (due.spoken() + "\\n").encode())
                                reminders.done(due)
                                break
                time.sleep(random.random() * 0.15)
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            reminders = Reminders(folder)
            end = time.monotonic() + 20
            while reminders.list() and time.monotonic() < end:
                for due in reminders.due():
                    reminders.begin(due)
                    os.write(heard, (due.spoken() + "\\n").encode())
                    reminders.done(due)
        """
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, timeout=60, check=False)
        assert done.returncode == 0
        lines = heard.read_text().splitlines()
        plain = [line for line in lines if not line.startswith("I may have said this before")]
        assert len(plain) == len(set(plain))
        assert {line.rpartition(": ")[2] for line in lines} == {f"number {number}." for number in range(24)}


class TestBell:
    def test_one_at_a_time_and_not_before_it_is_told(self, opened: Callable[[], Reminders], clock: Hand) -> None:
        reminders = opened()
        for text in ("feed the cat", "walk the dog"):
            reminders.add(text, "every day at 8", "en")
        bell = Bell(reminders, look=0.0)
        assert bell.next() is None
        clock.to(at(2026, 11, 26, 8))
        first = bell.next()
        assert first is not None
        bell.told(first)
        second = bell.next()
        assert second is not None
        bell.told(second)
        assert {first.reminder.text, second.reminder.text} == {"feed the cat", "walk the dog"}
        assert bell.next() is None

    def test_what_could_not_be_said_comes_again_as_new(self, opened: Callable[[], Reminders], clock: Hand) -> None:
        reminders = opened()
        reminders.add("feed the cat", "every day at 8", "en")
        bell = Bell(reminders, look=0.0, later=0.0)
        clock.to(at(2026, 11, 26, 8))
        due = bell.next()
        assert due is not None
        bell.put_off(due)
        again = bell.next()
        assert again is not None
        assert again.spoken() == "Reminder: feed the cat."

    def test_it_does_not_read_the_disk_all_the_time(self, opened: Callable[[], Reminders], clock: Hand) -> None:
        reminders = opened()
        reminders.add("feed the cat", "every day at 8", "en")
        bell = Bell(reminders, look=60.0)
        assert bell.next() is None
        clock.to(at(2026, 11, 26, 8))
        assert bell.next() is None

    def test_a_disk_that_fails_ends_nothing(self, opened: Callable[[], Reminders]) -> None:
        reminders = opened()
        bell = Bell(reminders, look=0.0)
        reminders.close()
        assert bell.next() is None


def test_the_zone_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    assert datetime(2026, 1, 1, tzinfo=local_zone()).utcoffset() == timedelta(hours=8)
    monkeypatch.setenv("TZ", "No/Where")
    assert local_zone() == UTC
    monkeypatch.delenv("TZ")
    assert datetime(2026, 1, 1, tzinfo=local_zone()).utcoffset() is not None


def test_the_clock_of_the_system() -> None:
    first, second = now(), now()
    assert second.since(first) >= 0.0
    assert second.boot == first.boot != ""
    assert Instant(10.0).since(Instant(20.0)) == 0.0
