"""A secret that is never shown: not printed, logged, formatted, pickled or written into a traceback.

Knows where a secret may come from (the settings themselves, a file, an environment variable, a systemd
credential); knows nothing of what it opens.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from actions.errors import Misfit

MASK = "********"
SOURCES = ("file", "env", "credential")


class Secret:
    """A password or key. Only `reveal()` gives it away."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        return self.__value

    def hide_in(self, text: str) -> str:
        """`text` with the secret masked wherever it appears (a server's answer may repeat it)."""
        return text.replace(self.__value, MASK) if self.__value else text

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self.__value

    def __hash__(self) -> int:
        return hash((Secret, self.__value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled or copied")


def read_secret(value: Any, folder: Path, environ: Mapping[str, str] = os.environ) -> Secret:
    """A secret from its place in the settings: the words themselves, or a table that says where they are.

        password = "words"
        password = { file = "mail.password" }               first line of a file; a relative path starts at `folder`
        password = { env = "TAKO_EMAIL_PASSWORD" }          an environment variable
        password = { credential = "email" }                 a systemd credential (LoadCredential=)

    Raises `Misfit` with what is missing; its text never holds the secret.
    """
    if isinstance(value, str):
        secret = value
    elif isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in SOURCES:
        ((source, name),) = value.items()
        if not isinstance(name, str) or not name:
            raise Misfit(f"what follows {source} is a name in quotes", f"{source} 后面是引号里的名字")
        secret = _fetch(source, name, folder, environ)
    else:
        ways = '{ file = "..." }, { env = "..." }, { credential = "..." }'
        raise Misfit(f"it is the secret in quotes or one of {ways}", f"应是引号里的密码，或 {ways} 之一")
    if not secret:
        raise Misfit("the secret is empty", "密码为空")
    return Secret(secret)


def _fetch(source: str, name: str, folder: Path, environ: Mapping[str, str]) -> str:
    if source == "env":
        if name not in environ:
            raise Misfit(f"the environment variable {name} is not set", f"没有设置环境变量 {name}")
        return environ[name]
    if source == "credential":
        if "CREDENTIALS_DIRECTORY" not in environ:
            raise Misfit(
                f"the credential {name} was asked for, but tako was not started by systemd with credentials",
                f"要用凭据 {name}，但 tako 不是由 systemd 带凭据启动的",
            )
        if Path(name).name != name:
            raise Misfit("a credential has a name, not a path", "凭据是名字，不是路径")
        path = Path(environ["CREDENTIALS_DIRECTORY"]) / name
    else:
        path = folder / Path(name).expanduser()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise Misfit(f"{path} cannot be read: {error.strerror}", f"读不了 {path}") from None
    except UnicodeDecodeError:
        raise Misfit(f"{path} is not text in UTF-8", f"{path} 不是 UTF-8 编码") from None
    return lines[0].strip() if lines else ""
