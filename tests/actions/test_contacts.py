"""From a name said to one contact, or to a question."""

from __future__ import annotations

from pathlib import Path

import pytest

from actions.contact_files import ContactsSettings, PersonSettings, load_contacts, read_contacts
from actions.contacts import Contact, ContactBook
from actions.errors import Question, SettingsError

ANNA = Contact("Anna Berg", "anna@example.com", aliases=("boss", "老板"))
HANNA = Contact("Hanna Lee", "hanna@example.com")
TOM_A, TOM_B = Contact("Tom Ash", "ash@example.com"), Contact("Tom Oak", "oak@example.com")
LI, LIN = Contact("李经理", "li@example.com"), Contact("林小明", "lin@example.com")
BOOK = ContactBook([ANNA, HANNA, TOM_A, TOM_B, LI, LIN, Contact("Katharina Weiß", "kw@example.com")])


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Anna Berg", ANNA),
        ("anna berg", ANNA),
        ("ANNA", ANNA),
        ("anna", ANNA),  # and not Hanna, though she is near
        ("hanna", HANNA),
        ("boss", ANNA),
        (" Boss. ", ANNA),
        ("老板", ANNA),
        ("李经理", LI),
        ("tom oak", TOM_B),
        ("tom oack", TOM_B),
        ("lee", HANNA),
        ("katarina weiss", BOOK.contacts[-1]),
    ],
)
def test_one_is_meant(said: str, found: Contact) -> None:
    assert BOOK.find(said) is found


@pytest.mark.parametrize("said", ["tom", "TOM", "annna", "ganna"])
def test_two_near_ones_give_a_question(said: str) -> None:
    with pytest.raises(Question, match=r"Which one do you mean: .* or ") as caught:
        BOOK.find(said)
    assert caught.value.zh.startswith("你是说")
    assert "还是" in caught.value.zh


@pytest.mark.parametrize("said", ["zoe", "", "  ", "林经理", "a", "张三", "the whole family"])
def test_nobody_is_never_somebody(said: str) -> None:
    with pytest.raises(Question, match="I don't know"):
        BOOK.find(said)


def test_namesakes_are_told_apart_and_copies_are_one() -> None:
    book = ContactBook([Contact("Jo", "jo@a.example"), Contact("Jo", "jo@b.example"), Contact("Jo", "jo@b.example")])
    with pytest.raises(Question, match=r"Jo \(jo@a.example\) or Jo \(jo@b.example\)\?"):
        book.find("jo")
    same = Contact("Jo", "jo@a.example")
    assert ContactBook([same, same]).find("jo") == same


def test_many_namesakes_are_not_all_read_out() -> None:
    book = ContactBook([Contact(f"Tom {letter}") for letter in "ABCDEFG"])
    with pytest.raises(Question) as caught:
        book.find("tom")
    assert caught.value.en.count("Tom") == 4


def test_from_settings_and_files(tmp_path: Path) -> None:
    table = tmp_path / "contacts.csv"
    table.write_text(
        '\ufeffName,Email,Phone,Aliases\n李经理,li@example.com,,"经理; manager"\n\nBen,,123,\n', encoding="utf-8"
    )
    people = {"Anna Berg": PersonSettings(email="anna@example.com", aliases=("mom",))}
    book = load_contacts(ContactsSettings(file=table, people=people))
    assert book.contacts == (
        Contact("Anna Berg", "anna@example.com", aliases=("mom",)),
        Contact("李经理", "li@example.com", aliases=("经理", "manager")),
        Contact("Ben", phone="123"),
    )
    assert load_contacts(ContactsSettings()).contacts == ()


def test_vcards_as_phones_write_them(tmp_path: Path) -> None:
    cards = tmp_path / "contacts.vcf"
    cards.write_text(
        "BEGIN:VCARD\nVERSION:3.0\nN:Berg;Anna;;;\nFN:Anna Berg\nNICKNAME:Annie\n"
        "item1.EMAIL;type=INTERNET;type=pref:anna@example.com\nitem1.X-ABLabel:work\nTEL;TYPE=CELL:+49 170 1\n"
        "PHOTO;ENCODING=b;TYPE=JPEG:AAAA\nEND:VCARD\n"
        "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E6=9D=8E;;;;\n"
        "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E6=9D=8E=E7=BB=8F=E7=90=86\nTEL;CELL:123\nEND:VCARD\n"
        "BEGIN:VCARD\nVERSION:4.0\nEMAIL:nobody@example.com\nEND:VCARD\n",
        encoding="utf-8",
    )
    assert read_contacts(cards) == (
        Contact("Anna Berg", "anna@example.com", "+49 170 1", ("Annie",)),
        Contact("李经理", phone="123"),
    )


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("none.csv", None, "No such file"),
        ("a.csv", b"", "must name the columns"),
        ("a.csv", b"who,mail\nx,y\n", "must name the columns"),
        ("a.csv", b"name,email\nAnna,a@b.cd,c,d\n", "Line 2"),
        ("a.csv", b"name,email\nAnna,a@b.cd\n,x@y.zz\n", "Line 3"),
        ("a.csv", b'name,email\n"Anna,a@b.cd\n', "Line"),
        ("a.csv", b"name,email\nJos\xe9,a@b.cd\n", "UTF-8"),
        ("a.vcf", b"hello\n", "not vCards"),
        ("a.vcf", b"BEGIN:VCARD\nFN:x\n", "not vCards"),
        ("a.vcf", b"BEGIN:VCARD\nFN;CHARSET=bogus;ENCODING=QUOTED-PRINTABLE:=E6\nEND:VCARD\n", "not vCards"),
    ],
)
def test_a_file_that_is_no_contacts(tmp_path: Path, name: str, content: bytes | None, why: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=why) as caught:
        read_contacts(path)
    assert str(path) in caught.value.zh
