"""How the doctor really looks at servers and files: on servers of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from web_server import Answer, WebServer

from actions.errors import ActionError, NotNow
from actions.messages.smtp import EmailSettings, log_in
from actions.secret import Secret
from demo.mail_server import HOST, USER, Inbox, mail_server
from device import probes


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with mail_server(tmp_path) as running:
        yield running


@pytest.fixture
def web() -> Iterator[WebServer]:
    with closing(WebServer()) as server:
        yield server


def account(inbox: Inbox) -> EmailSettings:
    return EmailSettings(host=HOST, port=inbox.port, user=USER, password=Secret(inbox.password), ca_file=inbox.ca_file)


class TestLogin:
    def test_the_login_is_tried_and_nothing_sent(self, inbox: Inbox) -> None:
        probes.Probes.log_in(account(inbox))
        assert inbox.messages == []

    def test_a_wrong_password(self, inbox: Inbox) -> None:
        wrong = msgspec.structs.replace(account(inbox), password=Secret("wrong-one"))
        with pytest.raises(ActionError, match="does not accept the login") as told:
            log_in(wrong)
        assert "wrong-one" not in told.value.en

    def test_a_server_that_cannot_be_trusted(self, inbox: Inbox) -> None:
        with pytest.raises(ActionError, match="certificate that I cannot trust"):
            log_in(msgspec.structs.replace(account(inbox), ca_file=None))

    def test_nobody_there(self, inbox: Inbox) -> None:
        with pytest.raises(NotNow, match="cannot reach"):
            log_in(msgspec.structs.replace(account(inbox), port=1, timeout=2.0))


class TestWeb:
    def test_a_status_is_told_whatever_it_is(self, web: WebServer) -> None:
        assert probes.Probes.get(f"{web.url}/v1/health") == 200
        web.answer = Answer(401)
        assert probes.Probes.get(f"{web.url}/x", "me", "secret") == 401
        assert web.seen[-1].headers["Authorization"] == "Basic bWU6c2VjcmV0"
        assert "Authorization" not in web.seen[0].headers

    def test_nobody_there(self) -> None:
        with pytest.raises(NotNow):
            probes.Probes.get("http://127.0.0.1:1/")


class TestFiles:
    def test_routes_out_of_the_house(self, monkeypatch: pytest.MonkeyPatch) -> None:
        files = {
            "/proc/net/route": [
                "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT",
                "wlan0 00000000 0101A8C0 0003 0 0 600 00000000 0 0 0",
                "wlan0 0001A8C0 00000000 0001 0 0 600 00FFFFFF 0 0 0",
            ],
            "/proc/net/ipv6_route": [
                f"{'0' * 32} 00 {'0' * 32} 00 fe80 00000400 00000003 00000000 00000003 eth0",
                f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200 lo",
                f"fe80{'0' * 28} 40 {'0' * 32} 00 {'0' * 32} 00000100 00000001 00000000 00000001 usb0",
            ],
        }
        monkeypatch.setattr(probes, "_lines", lambda path: files[str(path)])
        assert probes.Probes.routes() == ["wlan0", "eth0"]

    def test_no_network_at_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(probes, "_lines", lambda path: [])
        assert probes.Probes.routes() == []
        assert probes.Probes.cards() == []

    def test_sound_cards(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lines = [
            " 0 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones",
            "                      bcm2835 Headphones",
            " 1 [Device         ]: USB-Audio - USB PnP Sound Device",
        ]
        monkeypatch.setattr(probes, "_lines", lambda path: lines)
        assert list(probes.Probes.cards()) == [
            "bcm2835_headpho - bcm2835 Headphones",
            "USB-Audio - USB PnP Sound Device",
        ]

    def test_what_keeps_from_writing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert probes.Probes.obstacle(tmp_path) == ""
        monkeypatch.setattr(probes.os, "access", lambda path, mode: False)
        assert probes.Probes.obstacle(tmp_path) == "denied"
        stat = probes.os.statvfs(tmp_path)
        monkeypatch.setattr(
            probes.os, "statvfs", lambda path: type("S", (), {"f_flag": stat.f_flag | probes.os.ST_RDONLY})
        )
        assert probes.Probes.obstacle(tmp_path) == "read-only"

    def test_the_head_of_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "w.zim").write_bytes(bytes(range(200)))
        assert probes.Probes.head(tmp_path / "w.zim") == (bytes(range(80)), 200)
