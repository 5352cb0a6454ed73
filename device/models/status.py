"""Which models are here and whether they are whole, without any network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from actions.errors import ModelError
from device.models import places
from device.models.manifest import MANIFEST, Manifest, read, sha256_of
from device.models.progress import Quiet, Reporter
from device.models.table import MODELS, Model

STATES = ("missing", "fetched", "built", "stale", "damaged")


@dataclass(frozen=True)
class Status:
    """How one model is: "fetched" and "built" can be used, "stale" is whole but not what this version of tako wants."""

    name: str
    state: str  # of STATES
    size: int = 0  # bytes on disk, or to fetch when missing
    note: str = ""  # what is wrong, or what it is for

    @property
    def usable(self) -> bool:
        return self.state in ("fetched", "built")


def model_of(name: str, table: Sequence[Model] = MODELS) -> Model:
    """Raises `ModelError` for a name that is not in the table."""
    for model in table:
        if model.name == name:
            return model
    names = ", ".join(model.name for model in table)
    raise ModelError(f"I know no model {name}; I know {names}.", f"没有名为 {name} 的模型；已知的有：{names}。")


def present(name: str) -> bool:
    """Whether a fetched model's folder is there. It appears whole or not at all, so this is enough to choose by."""
    return (places.folder(name) / MANIFEST).is_file()


def verify(name: str, table: Sequence[Model] = MODELS, reporter: Reporter | None = None, deep: bool = True) -> Status:
    """Checks one model against its manifest and the table: sizes, and with `deep` every byte.

    A file that cannot be read makes the model damaged. Raises `ModelError` for an unknown name.
    """
    model = model_of(name, table)
    folder, manifest = places.folder(name), read(places.folder(name))
    if manifest is None:
        if not folder.exists():
            return Status(name, "missing", model.size, model.purpose)
        return Status(name, "damaged", model.size, f"its {MANIFEST} is missing or unreadable")
    if problem := _problem(model, manifest, reporter or Quiet(), deep):
        return Status(name, "damaged", model.size, problem)
    size = sum(entry.size for entry in manifest.files)
    if not _is_current(model, manifest):
        return Status(name, "stale", size, "this version of tako wants other files; run tako models fetch")
    return Status(name, "fetched", size, model.purpose)


def listing(
    extra: Iterable[Callable[[], Status]] = (), table: Sequence[Model] = MODELS, deep: bool = False
) -> list[Status]:
    """Every model of the table, then what each of `extra` says (the built text model looks after itself)."""
    return [verify(model.name, table, deep=deep) for model in table] + [say() for say in extra]


def lacking(statuses: Iterable[Status], table: Sequence[Model] = MODELS) -> list[str]:
    """What tako cannot do with these: of "text", "hear en", "hear zh"."""
    usable = {status.name for status in statuses if status.usable}
    heard = {lang for model in table if model.name in usable for lang in model.hears}
    text = {"text", "gemma-3-270m"} & usable
    return ([] if text else ["text"]) + [f"hear {lang}" for lang in ("en", "zh") if lang not in heard]


def _problem(model: Model, manifest: Manifest, reporter: Reporter, deep: bool) -> str:
    for entry in manifest.files:
        path = places.folder(model.name) / entry.path
        try:
            if path.stat().st_size != entry.size:
                return f"{entry.path} has {path.stat().st_size} bytes instead of {entry.size}"
            if deep:
                with reporter.task(f"check {entry.path}", entry.size) as show:
                    if sha256_of(path, show) != entry.sha256:
                        return f"{entry.path} does not match its checksum"
        except FileNotFoundError:
            return f"{entry.path} is missing"
        except OSError as error:  # a failing card: as good as damaged
            return f"{entry.path} cannot be read ({error.strerror})"
    return ""


def _is_current(model: Model, manifest: Manifest) -> bool:
    have = {entry.path: entry.sha256 for entry in manifest.files}
    archives = {getattr(source, "sha256", "") for source in model.sources}
    return all(have.get(file.path) == file.sha256 for file in model.files) and manifest.archive in archives | {""}
