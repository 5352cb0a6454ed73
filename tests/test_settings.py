"""The settings: one file, a clear sentence for every mistake, no secret shown, and papers that are never stale."""

from __future__ import annotations

import importlib
import logging
import re
import resource
import tomllib
from pathlib import Path

import pytest

from actions.errors import SettingsError
from actions.secret import Secret
from device.settings import Settings, load, settings_path, write_example
from device.settings_text import COMMAND, EXAMPLE, REFERENCE, comments, example_toml, main, reference, sections

EMAIL = '[email]\nhost = "smtp.example.com"\nuser = "me@example.com"\npassword = "corr3ct-h0rse"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tako.toml"


def load_text(path: Path, text: str, **environ: str) -> Settings:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return load(path, environ)


def test_nothing_written_means_the_defaults(path: Path) -> None:
    assert load_text(path, "") == Settings()
    assert Settings().email is None


def test_every_part_of_a_file_arrives(path: Path, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("from-file\n")
    settings = load_text(
        path,
        '\ufeff[email]\nhost = "smtp.example.com"\nport = 2525\ntls = "tls"\nuser = "me@example.com"\ntimeout = 5\n'
        'password = { file = "pw" }\nca_file = "~/ca.pem"\n'
        '[contacts]\nfile = "people.csv"\n[contacts.people."Anna Berg"]\nemail = "a@b.cd"\naliases = ["mom", "妈妈"]\n'
        '[history]\nfolder = "/var/tako"\nkeep_pictures = 3\n[camera]\nkind = "none"\n',
    )
    email = settings.email
    assert email
    assert email.password
    assert (email.tcp_port, email.address, email.timeout) == (2525, "me@example.com", 5.0)
    assert email.password.reveal() == "from-file"
    assert email.ca_file == Path.home() / "ca.pem"
    assert settings.contacts.file == tmp_path / "people.csv"
    assert settings.contacts.people["Anna Berg"].aliases == ("mom", "妈妈")
    assert settings.history.folder == Path("/var/tako")
    assert settings.history.keep_pictures == 3
    assert settings.camera.kind == "none"


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_usual_port_of_each_encryption(path: Path, tls: str, port: int) -> None:
    email = load_text(path, f'{EMAIL}tls = "{tls}"\n').email
    assert email
    assert email.tcp_port == port


def test_a_tree_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Settings().history.keep_pictures = 1  # type: ignore[misc]


MISTAKES = {
    "[emial]\n": ("emial is unknown; did you mean email", "emial 不存在，是不是 email"),
    "[email]\nhots = 'x'\n": ("email.hots is unknown; did you mean host", "email.hots 不存在，是不是 host"),
    "[zzz]\n": ("zzz is unknown; known are email, text, owner,", "zzz 不存在，可用的有 email, text, owner,"),
    f"{EMAIL}port = 'a'\n": (
        "email.port must be a whole number, not text in quotes",
        "email.port 必须是整数，不能是引号里的文字",
    ),
    f"{EMAIL}port = true\n": ("email.port must be a whole number, not true or false", "email.port 必须是整数"),
    f"{EMAIL}port = 1.5\n": ("email.port must be a whole number, not a number", "email.port 必须是整数，不能是数字"),
    f"{EMAIL}port = 0\n": ("email.port must be at least 1, not 0", "email.port 必须不小于 1，不能是 0"),
    f"{EMAIL}port = 65536\n": ("email.port must be at most 65535, not 65536", "email.port 必须不大于 65535"),
    f"{EMAIL}tls = 'ssl'\n": ('email.tls must be one of "starttls", "tls", "none", not "ssl"', "email.tls 只能是"),
    "[email]\nhost = 'a b'\n": ('email.host cannot be "a b"', 'email.host 不能是 "a b"'),
    "[email]\nport = 25\n": ("email.host is missing", "email.host 没有填写"),
    "email = 5\n": ("email must be a table", "email 必须是表"),
    "[email]\nhost = 'h'\nuser = 'me@example.com'\n": ("password is missing", "缺少 password"),
    "[email]\nhost = 'h'\nsender = 'me@example.com'\npassword = 'x'\n": ("user is missing", "缺少 user"),
    "[email]\nhost = 'h'\n": ("sender must be an email address", "sender 必须是邮箱地址"),
    "[email]\nhost = 'h'\nsender = 'a@b.cd>\\nBcc: x@y.zz'\n": ("sender must be an email address", "sender"),
    "[email]\nhost = 'h'\npassword = { file = 'none' }\n": ("none cannot be read: No such file", "读不了"),
    "[email]\nhost = 'h'\npassword = { env = 'NONE' }\n": (
        "email.password is not right: the environment variable NONE is not set",
        "没有设置环境变量 NONE",
    ),
    "[email]\nhost = 'h'\npassword = 5\n": (
        "email.password is not right: it is the secret in quotes",
        "应是引号里的密码",
    ),
    "[contacts]\nfile = 3\n": ("contacts.file is not right: it is a path in quotes", "应是引号里的路径"),
    "[contacts.people.Anna]\nemial = 'x'\n": (
        "contacts.people.Anna.emial is unknown; did you mean email",
        "contacts.people.Anna.emial",
    ),
    "[contacts.people]\nAnna = 'a@b.cd'\n": ("contacts.people.Anna must be a table", "contacts.people.Anna 必须是表"),
    "[contacts]\npeople = ['a']\n": ("contacts.people must be a table, not a list", "contacts.people 必须是表"),
    "[contacts.people.Anna]\naliases = 'mom'\n": (
        "contacts.people.Anna.aliases must be a list in brackets",
        "方括号里的列表",
    ),
    "[history]\nkeep_pictures = -1\n": ("history.keep_pictures must be at least 0", "必须不小于 0"),
    "[camera]\nkind = 'folder'\n": ("camera is not right: ", "camera 有误"),
    "language = 'fr'\n": ('language must be one of "en", "zh", not "fr"', "language 只能是"),
    "[email]\nhost = \"x\nport = 1\n": ("not valid TOML at line 2, column 10", "语法有误"),
    "a = 1\na = 2\n": ("not valid TOML", "语法有误"),
}  # fmt: skip


@pytest.mark.parametrize("text", MISTAKES)
def test_every_mistake_has_its_sentence(path: Path, text: str) -> None:
    en, zh = MISTAKES[text]
    with pytest.raises(SettingsError) as caught:
        load_text(path, text)
    error = caught.value
    assert en in error.spoken("en")
    assert zh in error.spoken("zh")
    for sentence in (error.en, error.zh):
        assert str(path) in sentence
        assert sentence[-1] in ".。"
        assert "$" not in sentence
        assert "`" not in sentence
    assert error.exit_code == 2


def test_all_mistakes_are_told_at_once(path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_text(path, "colour = 1\n[email]\nport = 0\n[history]\nkeep_pictures = 'x'\n")
    for name in ("colour is unknown", "email.port must", "history.keep_pictures must"):
        assert name in caught.value.en


@pytest.mark.parametrize(
    "mistake", ["port = 0", "tls = 'x'", "hots = 1", "user = 5", "x = 'a\nb'", "sender = 'nobody'"]
)
def test_no_mistake_shows_the_secret(path: Path, mistake: str) -> None:
    from traceback import TracebackException

    with pytest.raises(SettingsError) as caught:
        load_text(path, f"{EMAIL}{mistake}\n")
    frames = [  # those of the reader: this test's own hold the text
        f"{frame.name} {frame.locals}"
        for frame in TracebackException.from_exception(caught.value, capture_locals=True).stack
        if "settings" in frame.filename and not frame.filename.endswith("test_settings.py")
    ]
    assert frames
    assert "corr3ct" not in caught.value.en + caught.value.zh + "".join(frames)


def test_a_password_that_others_may_read_is_warned_of(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load_text(path, EMAIL)
    assert not caplog.records
    path.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        settings = load(path, {})
    assert "chmod o-rwx" in caplog.text
    assert "corr3ct" not in caplog.text + repr(settings)
    assert settings.email
    assert settings.email.password == Secret("corr3ct-h0rse")


def test_where_the_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    usual = tmp_path / ".config" / "tako" / "tako.toml"
    assert settings_path({}) == usual
    assert settings_path({"TAKO_CONFIG": "~/other.toml"}) == tmp_path / "other.toml"
    assert load(None, {}) == Settings()
    usual.parent.mkdir(parents=True)
    usual.write_text("language = 'zh'\n")
    assert load(None, {}).language == "zh"
    (tmp_path / "other.toml").write_text("[history]\nkeep_pictures = 9\n")
    assert load(None, {"TAKO_CONFIG": str(tmp_path / "other.toml")}).history.keep_pictures == 9
    for missing in ({"TAKO_CONFIG": str(tmp_path / "none.toml")}, {"TAKO_CONFIG": str(tmp_path)}):
        with pytest.raises(SettingsError, match="I cannot read the settings in"):
            load(None, missing)
    with pytest.raises(SettingsError, match="No such file"):
        load(tmp_path / "none.toml", {})
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="UTF-8"):
        load(tmp_path / "binary.toml", {})


class TestPapers:
    def test_they_are_not_stale(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.argv", ["settings_text", "--check"])
        assert main() == 0, f"run {COMMAND}"
        assert EXAMPLE.read_text("utf-8") == example_toml()
        assert REFERENCE.read_text("utf-8") == reference()

    def test_every_setting_is_explained(self) -> None:
        for section in sections():
            for field in section.fields:
                assert len(field.meaning) > 3, f"{section.name}.{field.name} has no comment"
                assert field.value, f"{section.name}.{field.name}: add to EXAMPLES"

    def test_the_example_as_it_stands_is_the_defaults(self, path: Path) -> None:
        assert load_text(path, example_toml()) == Settings()

    @pytest.mark.parametrize("left_out", ["shopping.groceries", "shopping.instacart"])  # one of the two is allowed
    def test_the_example_with_everything_switched_on_is_valid(self, path: Path, tmp_path: Path, left_out: str) -> None:
        on = re.sub(r"(?m)^# (\[.*\]|\w+ = .*)$", r"\1", example_toml())
        for secret in re.findall(r"\{ file = \"(.*?)\" \}", on):
            (tmp_path / secret).write_text("corr3ct-h0rse\n")
        on, count = re.subn(rf"(?ms)^\[{left_out}\]$.*?(?=^\[)", "", on)
        assert count == 1
        settings = load_text(path, on)
        assert settings.email
        assert settings.email.password
        assert settings.contacts.people["Anna Berg"].email == "anna@example.com"
        assert settings.camera.folder == tmp_path / "pictures"
        written = tomllib.loads(on)
        for section in (section for section in sections() if section.name != left_out):
            table = written
            for name in _names(section.name):
                table = table[name]
            assert {field.name for field in section.fields} <= set(table)

    def test_comments_are_found_wherever_they_stand(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        code = (
            "import msgspec\n"
            "class S(msgspec.Struct):\n"
            '    """Doc."""\n'
            "    a: int = 1  # beside a\n"
            "    # and on\n"
            "    b: int = (\n        2  # within b\n    )\n"
            "    # above c\n"
            "    # two lines\n"
            "    c: int = 3\n"
            "    d: int = 4  # beside # d\n"
            "    # and on again\n"
        )
        (tmp_path / "commented_struct.py").write_text(code)
        monkeypatch.syspath_prepend(str(tmp_path))
        found = comments(importlib.import_module("commented_struct").S)
        assert found["a"] == "beside a and on"
        assert found["b"] == "within b"
        assert found["c"] == "above c two lines"
        assert found["d"] == "beside # d and on again"

    def test_an_example_is_written_once_and_for_the_owner_only(self, tmp_path: Path) -> None:
        target = tmp_path / "new" / "tako.toml"
        write_example(target, example_toml())
        assert load(target, {}) == Settings()
        assert target.stat().st_mode & 0o077 == 0
        with pytest.raises(SettingsError, match="already"):
            write_example(target, "x")
        assert target.read_text("utf-8") == example_toml()
        with pytest.raises(SettingsError, match="cannot write"):
            write_example(target / "below" / "tako.toml", "x")

    def test_an_example_that_finds_no_room_leaves_no_file(self, path: Path) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        try:
            with pytest.raises(SettingsError, match="cannot write"):
                write_example(path, example_toml())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert not path.exists()


def _names(header: str) -> list[str]:
    """The parts of a table's name as TOML reads them."""
    names, table = [], tomllib.loads(f"[{header}]") if header else {}
    while table:
        ((name, table),) = table.items()
        names.append(name)
    return names
