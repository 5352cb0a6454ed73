"""A GSM modem on a pseudo-terminal, as far as Gammu asks it: echo, PDU mode, AT+CMGS with the message it is handed."""

from __future__ import annotations

import os
import pty
import threading
import tty

_ANSWERS = {
    "AT+CGMI": "Test", "AT+CGMM": "Modem", "AT+CGMR": "1", "AT+CMGF?": "+CMGF: 0", "AT+CMGF=?": "+CMGF: (0,1)",
    "AT+CSCS=?": '+CSCS: ("GSM","UCS2")', "AT+CSCS?": '+CSCS: "GSM"', "AT+CSCA?": '+CSCA: "+491710760000",145',
}  # fmt: skip


class AtModem:
    """`taken` holds the PDUs (hexadecimal) it was told to send. `end` is what it says after the one of number
    `end_at` (counted from 1): "hang" for nothing at all. `pin`: what it answers about the PIN."""

    def __init__(self, pin: str = "READY", end: str = "", end_at: int = 1) -> None:
        self.taken: list[str] = []
        self._pin, self._end, self._end_at = pin, end, end_at
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        self.device = os.ttyname(self._theirs)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        os.close(self._theirs)
        self._thread.join(0.2)
        os.close(self._ours)

    def _serve(self) -> None:
        line, message = b"", False
        while True:
            try:
                received = os.read(self._ours, 4096)
            except OSError:
                return
            for byte in (received[i : i + 1] for i in range(len(received))):
                if message and byte in b"\x1a\x1b":
                    self._take(line.decode())
                    line, message = b"", False
                elif message:
                    line += byte
                elif byte == b"\r":
                    self._say(byte)
                    message = self._answer(line.decode("latin-1").strip())
                    line = b""
                else:
                    self._say(byte)  # the echo
                    line += byte

    def _answer(self, command: str) -> bool:
        """True when a message follows."""
        if command.startswith("AT+CMGS="):
            self._say(b"\r\n> ")
            return True
        words = f"+CPIN: {self._pin}" if command == "AT+CPIN?" else _ANSWERS.get(command, "")
        self._say((f"\r\n{words}\r\n" if words else "").encode() + b"\r\nOK\r\n")
        return False

    def _take(self, pdu: str) -> None:
        if not pdu:
            return
        self.taken.append(pdu)
        if len(self.taken) == self._end_at and self._end:
            if self._end != "hang":
                self._say(f"\r\n{self._end}\r\n".encode())
            return
        self._say(f"\r\n+CMGS: {len(self.taken)}\r\n\r\nOK\r\n".encode())

    def _say(self, words: bytes) -> None:
        os.write(self._ours, words)


def submitted(pdu: str) -> tuple[str, str, int, tuple[int, int] | None]:
    """Number, text, data coding and (parts, part) of an SMS-SUBMIT in UCS-2 or seven bits (3GPP TS 23.040, 9.2.2.2)."""
    octets = bytes.fromhex(pdu)
    octets = octets[1 + octets[0] :]  # the service centre
    joined, digits = bool(octets[0] & 0x40), octets[2]
    half = (digits + 1) // 2
    number = "".join(f"{o & 15}{o >> 4}" for o in octets[4 : 4 + half])[:digits]
    plus = "+" if octets[3] & 0x70 == 0x10 else ""
    coding, validity = octets[5 + half], 1 if octets[0] & 0x18 == 0x10 else 0
    data = octets[6 + half + validity :]
    length, data = data[0], data[1:]
    part = (data[4], data[5]) if joined else None
    if coding == 8:
        return plus + number, data[6 if joined else 0 :].decode("utf-16-be"), coding, part
    bits = int.from_bytes(data, "little")
    septets = [bits >> 7 * i & 127 for i in range(7 if joined else 0, length)]
    return plus + number, bytes(septets).decode("ascii"), coding, part  # of the letters that ASCII and GSM share
