"""Two further releases, made of the wheel of this one: 9.0.0 works, 9.1.0 dies at its start.

python tests/system/boot_releases.py WHEELS OUT
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

BROKEN = "raise SystemExit('release 9.1.0 cannot live')\n"


def remake(wheel: Path, out: Path, version: str, replaced: dict[str, str]) -> None:
    """The same wheel under another version, with other files."""
    old = wheel.name.split("-")[1]
    out.mkdir(parents=True, exist_ok=True)
    with (
        zipfile.ZipFile(wheel) as source,
        zipfile.ZipFile(out / wheel.name.replace(old, version, 1), "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            data = replaced[name].encode() if name in replaced else source.read(name)
            if name.endswith("METADATA"):
                data = data.replace(f"\nVersion: {old}\n".encode(), f"\nVersion: {version}\n".encode(), 1)
            if name.endswith("RECORD"):  # without sums: pip takes it
                data = b"".join(line.split(b",")[0] + b",,\n" for line in data.splitlines())
                data = data.replace(f"tako-{old}".encode(), f"tako-{version}".encode())
            target.writestr(name.replace(f"tako-{old}", f"tako-{version}"), data)


if __name__ == "__main__":
    wheels, folder = Path(sys.argv[1]), Path(sys.argv[2])
    (newest,) = wheels.glob("tako-*.whl")
    remake(newest, folder / "good", "9.0.0", {})
    remake(newest, folder / "bad", "9.1.0", {"device/body.py": BROKEN})
