"""`tako contacts`: added, imported, found, removed; what cannot be used ends in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from device.cli.main import tako

Tako = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tako:
    monkeypatch.setenv("TAKO_HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    settings = tmp_path / "tako.toml"
    settings.write_text('[contacts]\nregion = "DE"\n[contacts.people."Tom Oak"]\nemail = "tom@example.com"\n')

    def call(*args: str | Path) -> Result:
        everything = ["--settings", str(settings), "contacts", *map(str, args)]
        return CliRunner().invoke(tako, everything, prog_name="tako", catch_exceptions=False)

    return call


def test_a_contact_from_first_to_last(run: Tako, tmp_path: Path) -> None:
    added = run("add", "Anna", "Berg", "--email", "anna@example.com", "--phone", "0170 1234567", "--alias", "mom")
    assert added.output == "Anna Berg  anna@example.com  +491701234567  (mom)\n"
    assert run("list").output.splitlines() == [added.output.strip(), "Tom Oak  tom@example.com"]
    assert json.loads(run("list", "--json").output.splitlines()[1])["email"] == "tom@example.com"
    assert run("find", "my", "mum").output == run("find", "0170 1234567").output == added.output
    assert (tmp_path / "contacts.vcf").stat().st_mode & 0o777 == 0o600
    assert run("remove", "anna").output == f"removed {added.output}"
    assert run("list").output.splitlines() == ["Tom Oak  tom@example.com"]


def test_who_is_asked_about(run: Tako) -> None:
    run("add", "John", "--email", "john@example.com")
    run("add", "Jon", "--email", "jon@example.com")
    assert run("find", "jon").output == "Jon  jon@example.com\n"
    heard = run("find", "jon", "--heard")
    assert heard.exit_code == 8
    assert heard.stderr == "Which one do you mean: Jon (jon@example.com) or John (john@example.com)?\n"
    assert run("find", "zoe").exit_code == 8


def test_import(run: Tako, tmp_path: Path) -> None:
    phone = tmp_path / "phone.vcf"
    phone.write_text(
        "BEGIN:VCARD\nVERSION:3.0\nFN:张伟\nTEL;TYPE=CELL:+8613800138000\nEND:VCARD\n"
        "BEGIN:VCARD\nVERSION:3.0\nTEL:1\nEND:VCARD\n",
        encoding="utf-8",
    )
    assert run("import", phone).output == "1 new, 0 known already, 1 left out (no name, or not readable)\n"
    assert run("import", phone).output.startswith("0 new, 1 known already")
    assert run("find", "zhang wei", "--heard").output == "张伟  +8613800138000\n"


@pytest.mark.parametrize(
    ("args", "code", "sentence"),
    [
        (("add", "Anna"), 2, "needs an email address or a phone number"),
        (("add", "Anna", "--email", "a@b.cd\nBcc: x@y.zz"), 2, "a@b.cd Bcc: x@y.zz is not an email address"),
        (("add", "Anna", "--phone", "12"), 2, "12 is not a phone number that I can use"),
        (("add", "\u202e", "--phone", "0170 1234567"), 2, "A contact needs a name with letters"),
        (("add", "x" * 10_000, "--phone", "0170 1234567"), 2, "is too long"),
        (("add", "Tako", "--phone", "0" * 10_000), 2, "is not a phone number"),
        (("import", "/nowhere.vcf"), 2, "I cannot read the contacts in /nowhere.vcf: No such file"),
        (("remove", "zoe"), 8, "I don't know zoe"),
        (("remove", "tom oak"), 2, "not in my own book but in the settings"),
    ],
)
def test_what_does_not_work_ends_in_a_sentence(run: Tako, args: tuple[str, ...], code: int, sentence: str) -> None:
    result = run(*args)
    assert result.exit_code == code
    assert sentence in result.stderr
    assert len(result.stderr) < 300


def test_an_empty_book_says_how_to_begin(run: Tako, tmp_path: Path) -> None:
    (tmp_path / "tako.toml").write_text("")
    assert "tako contacts add" in run("list").output
