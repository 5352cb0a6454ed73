"""From a name said to one contact, or to a question."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from actions.errors import Question, SettingsError
from actions.people.contact_files import ContactsSettings, LiveContacts, PersonSettings, load_contacts, read_contacts
from actions.people.contacts import Contact, ContactBook, Contacts, label_meant
from actions.people.numbers_said import e164, region_of_locale
from actions.people.own_contacts import OwnBook, replace_file

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
        ("boss", ANNA),
        (" Boss. ", ANNA),
        ("my boss", ANNA),
        ("manager", ANNA),
        ("老板", ANNA),
        ("我老板", ANNA),
        ("李经理", LI),
        ("林小明", LIN),
        ("林经理", LIN),
        ("小明", LIN),
        ("阿明", LIN),
        ("老林", LIN),
        ("tom oak", TOM_B),
        ("tom oack", TOM_B),
        ("lee", HANNA),
        ("doctor lee", HANNA),
        ("b e r g", ANNA),
        ("katharina weiss", BOOK.contacts[-1]),
    ],
)
def test_one_is_meant(said: str, found: Contact) -> None:
    assert BOOK.find(said) is found


@pytest.mark.parametrize("said", ["tom", "TOM", "annna", "ganna", "anna", "hanna"])
def test_two_near_ones_give_a_question(said: str) -> None:
    with pytest.raises(Question, match=r"Which one do you mean: .* or ") as caught:
        BOOK.find(said)
    assert caught.value.zh.startswith("你是说")
    assert "还是" in caught.value.zh
    assert caught.value.about == "recipient"
    assert len(caught.value.choices) == 2


@pytest.mark.parametrize(
    ("said", "near"), [("katarina weiss", "Katharina Weiß"), ("林小敏", "林小明"), ("li", "Hanna Lee")]
)
def test_one_that_is_only_near_is_asked_about(said: str, near: str) -> None:
    with pytest.raises(Question, match=f"I don't know {said}. Do you mean {near}\\?") as caught:
        BOOK.find(said)
    assert caught.value.choices == (near,)
    assert caught.value.zh == f"通讯录里没有{said}。你是说{near}吗？"


@pytest.mark.parametrize("said", ["zoe", "", "  ", "a", "张三", "the whole family", "🖖", "x" * 10_000, "\u202e\n\x00"])
def test_nobody_is_never_somebody(said: str) -> None:
    with pytest.raises(Question, match="I don't know") as caught:
        BOOK.find(said)
    assert caught.value.choices == ()
    assert len(caught.value.en) < 200


@pytest.mark.parametrize(("said", "found"), [("anna", ANNA), ("hanna", HANNA), ("tom oak", TOM_B)])
def test_what_was_typed_is_what_is_meant(said: str, found: Contact) -> None:
    assert BOOK.find(said, heard=False) is found
    with pytest.raises(Question, match="Do you mean Tom Oak"):
        BOOK.find("tom oack", heard=False)


def test_names_of_one_sound_are_asked_about_and_told_apart() -> None:
    book = ContactBook(
        [Contact("张伟", "z@x.org"), Contact("章威", "w@x.org"), Contact("Jon"), Contact("John", "j@x.org")]
    )
    with pytest.raises(Question) as caught:
        book.find("张伟")
    assert caught.value.zh == "你是说张伟 (弓长张，伟大的伟)还是章威 (立早章，威风的威)？"
    assert [book.find(choice).name for choice in caught.value.choices] == ["张伟", "章威"]
    assert book.find("弓长张的张伟").name == book.find("弓长张那个").name == "张伟"
    assert book.find("立早章，威风的威").name == "章威"
    with pytest.raises(Question, match=r"Which one do you mean: Jon \(J-O-N\) or John \(j@x.org\)\?"):
        book.find("jon")
    assert book.find("j o n").name == "Jon"
    assert book.find("J-O-H-N").name == "John"
    with pytest.raises(Question, match="Do you mean Sarah"):
        ContactBook([Contact("Sarah")]).find("s a r a")
    with pytest.raises(Question, match=r"张伟.* or 张薇"):  # the surname alone was described
        ContactBook([Contact("张伟"), Contact("张薇"), Contact("章威")]).find("弓长张的张伟")


def test_a_whole_name_wins_over_the_same_first_name() -> None:
    book = ContactBook([Contact("Anna"), Contact("Anna Berg"), Contact("Maria Anna Lopez")])
    assert book.find("anna").name == "Anna"
    assert book.find("maria anna").name == "Maria Anna Lopez"


def test_family_is_called_many_names_and_is_mistaken_for_nobody() -> None:
    mom, tom = Contact("Rosa Diaz", "r@x.org", aliases=("mom",)), Contact("Tom Oak", "t@x.org")
    book = ContactBook([mom, tom])
    assert {book.find(said) for said in ("mom", "my mum", "mother", "妈妈", "我妈妈", "老妈")} == {mom}
    assert book.find("tom") is tom
    grandmothers = ContactBook([Contact("A", aliases=("奶奶",)), Contact("B", aliases=("外婆",))])
    assert grandmothers.find("姥姥").name == "B"
    with pytest.raises(Question, match="A or B"):
        grandmothers.find("grandma")


def test_a_number_is_a_recipient() -> None:
    book = ContactBook([Contact("Ben", phone="0170 1234567")], region="DE")
    ben = Contact("Ben", phone="+491701234567")
    assert book.find("one seven oh one two three four five six seven") == ben
    assert book.find("+49 170 1234567") == ben
    assert book.find("加八六幺三八零零幺三八零零零") == Contact("+86 138 0013 8000", phone="+8613800138000")
    for wrong in ("99999", "+49 1234", "9" * 60):
        with pytest.raises(Question, match="no phone number that I can use"):
            book.find(wrong)
    with pytest.raises(Question, match="country code"):
        ContactBook([]).find("0170 1234567")


def test_numbers_and_their_region() -> None:
    assert e164("0170 1234567", "DE") == e164("+49 (0)170 123-4567") == "+491701234567"
    assert e164("650 253 0000", "US") == "+16502530000"
    assert e164("650 253 0000") == e164("", "US") == e164("hello", "US") == ""
    assert region_of_locale({"LANG": "de_DE.UTF-8"}) == "DE"
    assert region_of_locale({"LC_ALL": "zh_CN.UTF-8", "LANG": "de_DE"}) == "CN"
    assert region_of_locale({"LANG": "C.UTF-8"}) == region_of_locale({}) == ""
    with pytest.raises(ValueError, match="two letters"):
        ContactsSettings(region="Germany")
    assert msgspec.convert({"region": "DE"}, ContactsSettings).home_region == "DE"


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
    numbers = ContactsSettings(people={"Ben": PersonSettings(phone="0170 1234567")}, region="DE")
    assert load_contacts(numbers).contacts == (Contact("Ben", phone="+491701234567"),)


def test_hostile_names_are_one_visible_line() -> None:
    people = {
        "Anna\r\nBcc: x@y.zz": PersonSettings(email="a@b.cd\nTo: x@y.zz", aliases=("bo\x00ss", "\u200b")),
        "\u202eeve\u2066": PersonSettings(phone="1\n2"),
        "x" * 10_000: PersonSettings(),
        "\u200b": PersonSettings(),
    }
    anna, eve, long = load_contacts(ContactsSettings(people=people)).contacts
    assert anna == Contact("Anna Bcc: x@y.zz", "a@b.cd To: x@y.zz", aliases=("bo ss",))
    assert eve == Contact("eve", phone="1 2")
    assert long.name == "x" * 100


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


MANY = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna Berg\r\nTEL;TYPE=HOME:+49301234567\r\nTEL;TYPE=CELL:+491701234567\r\n"
    "EMAIL:old@example.com\r\nEMAIL;TYPE=PREF:anna@example.com\r\nX-FOREIGN;X=1:keep\r\n  me\r\n"
    "PHOTO;ENCODING=b;TYPE=JPEG:AAAA\r\n BBBB\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:2.1\r\nFN;CHARSET=bogus;ENCODING=QUOTED-PRINTABLE:=E6\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:4.0\r\nEMAIL:nameless@example.com\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:张伟\r\nNICKNAME:伟哥,小伟\r\nTEL;VALUE=uri:tel:+8613800138000\r\nEND:VCARD\r\n"
)


def test_one_broken_card_does_not_cost_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "all.vcf"
    path.write_text(MANY, encoding="utf-8", newline="")
    assert read_contacts(path) == (
        Contact("Anna Berg", "anna@example.com", "+491701234567"),
        Contact("张伟", phone="+8613800138000", aliases=("伟哥", "小伟")),
    )
    assert "left out a card" in caplog.text


class TestOwnBook:
    def test_what_is_added_is_found(self, tmp_path: Path) -> None:
        own = OwnBook(tmp_path / "deep" / "contacts.vcf", "DE")
        kept = own.add(Contact("Anna; Berg, Dr.\\", "anna@example.com", "0170 1234567", ("mom", "a;b")))
        assert kept == Contact("Anna; Berg, Dr.\\", "anna@example.com", "+491701234567", ("mom", "a;b"))
        assert load_contacts(ContactsSettings(), own.path).contacts == (kept,)
        assert own.path.stat().st_mode & 0o777 == 0o600
        assert [p.name for p in own.path.parent.iterdir()] == ["contacts.vcf"]
        with pytest.raises(SettingsError, match="in the contacts already"):
            own.add(kept)

    def test_cards_of_others_stay_as_they_were(self, tmp_path: Path) -> None:
        path = tmp_path / "contacts.vcf"
        path.write_text(MANY, encoding="utf-8", newline="")
        own = OwnBook(path)
        own.add(Contact("Eve", "eve@example.com"))
        assert path.read_bytes().startswith(MANY.encode())
        own.remove(Contact("Eve", "eve@example.com"))
        assert path.read_bytes() == MANY.encode()
        own.remove(read_contacts(path)[1])
        assert path.read_bytes().decode() == MANY[: MANY.rindex("BEGIN")]
        with pytest.raises(SettingsError, match="not in my own book"):
            own.remove(Contact("Zoe"))

    def test_import_takes_over_what_is_new(self, tmp_path: Path) -> None:
        own, export, table = OwnBook(tmp_path / "own.vcf"), tmp_path / "phone.vcf", tmp_path / "more.csv"
        export.write_text(MANY, encoding="utf-8", newline="")
        table.write_text("name,email\nAnna Berg,ANNA@example.com\nBen,ben@example.com\n", encoding="utf-8")
        assert own.take_over(export) == (2, 0, 2)
        assert own.take_over(export) == (0, 2, 2)
        assert "X-FOREIGN;X=1:keep\r\n  me\r\n" in own.path.read_bytes().decode()
        assert own.take_over(table)[0] == 2  # Anna without her number is another
        assert [card.contact.name for card in own.cards() if card.contact] == ["Anna Berg", "张伟", "Anna Berg", "Ben"]

    @pytest.mark.parametrize(
        ("contact", "why"),
        [
            (Contact("", "a@b.cd"), "needs a name"),
            (Contact("\u202e \n", "a@b.cd"), "needs a name"),
            (Contact("🖖", "a@b.cd"), "needs a name"),
            (Contact("x" * 10_000, "a@b.cd"), "too long"),
            (Contact("Anna"), "needs an email address or a phone number"),
            (Contact("Anna", "a@b.cd\nBcc: x@y.zz"), "not an email address"),
            (Contact("Anna", phone="12"), "not a phone number"),
            (Contact("Anna", phone="0170 1234567"), "country code"),
        ],
    )
    def test_what_cannot_be_used_is_not_kept(self, tmp_path: Path, contact: Contact, why: str) -> None:
        own = OwnBook(tmp_path / "own.vcf")
        with pytest.raises(SettingsError, match=why):
            own.add(contact)
        assert not own.path.exists()

    def test_a_failing_disk_changes_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        own = OwnBook(tmp_path / "own.vcf")
        own.add(Contact("Eve", "eve@example.com"))
        before = own.path.read_bytes()

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(SettingsError, match=r"No space left on device\. Nothing was changed"):
            own.add(Contact("Ben", "ben@example.com"))
        assert own.path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [own.path]


def test_two_that_add_at_once_lose_nothing(tmp_path: Path) -> None:
    def add(number: int) -> None:
        OwnBook(tmp_path / "own.vcf").add(Contact(f"Eve {number}", f"eve{number}@example.com"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(12)))
    assert len(read_contacts(tmp_path / "own.vcf")) == 12


def test_changes_show_without_a_restart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "own.vcf"
    live, own = LiveContacts(ContactsSettings(), path), OwnBook(path)
    assert isinstance(live, Contacts)
    assert live.contacts == ()
    own.add(Contact("Eve", "eve@example.com"))
    assert live.find("eve").email == "eve@example.com"
    replace_file(path, "rubbish")
    assert live.find("eve").email == "eve@example.com"
    assert "not vCards" in caplog.text


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.vcf"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    with pytest.raises(SettingsError, match="too large"):
        read_contacts(path)


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("Mark Fisher", "Mark Fisher (m@x.org)"),
        ("marc fletcher", "Marc Fletcher (f@x.org)"),
        ("Mark", ""),
        ("Fletcher Smith", ""),
    ],
)
def test_a_whole_name_answers_which_one(answer: str, meant: str) -> None:
    assert label_meant(answer, ["Mark Fisher (m@x.org)", "Marc Fletcher (f@x.org)"]) == meant
    assert label_meant("John Smith", ["John Smith (a@x.org)", "Jon Smith (b@x.org)"]) == ""
