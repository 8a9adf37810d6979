"""A plan is a list of steps: what each does is known and printed before any is done, and each knows the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Protocol

from .system import InstallFailed, Machine, Value

# What is replaced or removed waits beside its place until all has gone well; short, because paths have a limit.
ASIDE = "~old"


@dataclass(frozen=True)
class Done:
    """What to do about a step that was done: to go back, and once all went well."""

    undo: Callable[[], None]
    finish: Callable[[], None] = lambda: None


class Step(Protocol):
    """One change of the machine."""

    def line(self) -> dict[str, str]:
        """The step as data: what, where, from, to, undo."""

    def run(self, machine: Machine) -> Done:
        """Do it."""


@dataclass(frozen=True)
class MakeFolder:
    """A folder that is not there yet."""

    path: PureWindowsPath

    def line(self) -> dict[str, str]:
        return {"what": "make folder", "where": str(self.path), "undo": "remove it if empty"}

    def run(self, machine: Machine) -> Done:
        machine.disk.make_folder(self.path)
        return Done(lambda: machine.disk.remove_folder(self.path))


@dataclass(frozen=True)
class WriteFile:
    """A file, with what was there before kept aside; never marked as downloaded."""

    path: PureWindowsPath
    data: bytes
    source: str
    replaces: bool = False

    def line(self) -> dict[str, str]:
        undo = "put the old one back" if self.replaces else "remove it"
        return {"what": "write file", "where": str(self.path), "from": self.source, "undo": undo}

    def run(self, machine: Machine) -> Done:
        disk = machine.disk
        old = _set_aside(machine, self.path) if self.replaces else None
        try:
            disk.write(self.path, self.data)
            disk.unblock(self.path)
        except BaseException:  # an interruption too
            if old:
                old.undo()
            raise

        def undo() -> None:
            disk.remove(self.path)
            if old:
                old.undo()

        return Done(undo, old.finish if old else lambda: None)


@dataclass(frozen=True)
class Remove:
    """A file or a folder of ours; put aside first, so that it can come back."""

    path: PureWindowsPath

    def line(self) -> dict[str, str]:
        return {"what": "remove", "where": str(self.path), "undo": "put it back"}

    def run(self, machine: Machine) -> Done:
        return _set_aside(machine, self.path)


@dataclass(frozen=True)
class RemoveFolder:
    """A folder, if it is empty by then."""

    path: PureWindowsPath

    def line(self) -> dict[str, str]:
        return {"what": "remove folder if empty", "where": str(self.path), "undo": "make it again"}

    def run(self, machine: Machine) -> Done:
        disk = machine.disk

        def finish() -> None:  # only now are the things that were put aside in it gone
            if disk.is_folder(self.path) and not disk.names(self.path):
                disk.remove_folder(self.path)

        return Done(lambda: None, finish)


@dataclass(frozen=True)
class MakeKey:
    """A registry key that is not there yet."""

    key: str

    def line(self) -> dict[str, str]:
        return {"what": "make key", "where": self.key, "undo": "remove it if empty"}

    def run(self, machine: Machine) -> Done:
        machine.registry.create(self.key)
        return Done(lambda: machine.registry.remove_key(self.key))


@dataclass(frozen=True)
class RemoveKey:
    """A registry key of our making, if it is empty by then."""

    key: str

    def line(self) -> dict[str, str]:
        return {"what": "remove key if empty", "where": self.key, "undo": "make it again"}

    def run(self, machine: Machine) -> Done:
        registry = machine.registry

        def empty() -> bool:
            return registry.values(self.key) == {} and not registry.subkeys(self.key)

        if not empty():
            return Done(lambda: None)
        registry.remove_key(self.key)
        return Done(lambda: registry.create(self.key))


@dataclass(frozen=True)
class SetValue:
    """A registry value; None removes it."""

    key: str
    name: str
    value: Value | None
    old: Value | None = None

    def line(self) -> dict[str, str]:
        what = "set value" if self.value else "remove value"
        found = {"what": what, "where": f"{self.key}\\{self.name}"}
        if self.old:
            found["from"] = str(self.old.data)
        if self.value:
            found["to"] = str(self.value.data)
        return found | {"undo": "set the old value" if self.old else "remove it"}

    def run(self, machine: Machine) -> Done:
        _set(machine, self.key, self.name, self.value)
        return Done(lambda: _set(machine, self.key, self.name, self.old))


def _set(machine: Machine, key: str, name: str, value: Value | None) -> None:
    if value is None:
        machine.registry.delete(key, name)
    else:
        machine.registry.write(key, name, value)


def _set_aside(machine: Machine, path: PureWindowsPath) -> Done:
    aside = path.with_name(path.name + ASIDE)
    if machine.disk.is_file(aside) or machine.disk.is_folder(aside):  # what an earlier run could not remove
        machine.disk.remove(aside)
    machine.disk.move(path, aside)
    return Done(lambda: machine.disk.move(aside, path), lambda: machine.disk.remove(aside))


def lines(steps: Iterable[Step]) -> list[dict[str, str]]:
    """The plan as data."""
    return [step.line() for step in steps]


def sentence(line: dict[str, str]) -> str:
    """A step of a plan as a person reads it."""
    said = f"{line['what']} {line['where']}"
    if "to" in line:
        said += f" = {line['to']}"
    if "from" in line:
        said += f" (was {line['from']})" if line["what"].endswith("value") else f" (from {line['from']})"
    return said


def carry_out(steps: Sequence[Step], machine: Machine) -> list[str]:
    """Do the steps; if one fails, undo those before it, the last first.

    Args:
        steps: The plan.
        machine: Where.

    Returns:
        What is left behind and why: remains that something still holds open.

    Raises:
        InstallFailed: A step failed; its text says which and why, and what could not be undone.
    """
    done: list[tuple[Step, Done]] = []
    for step in steps:
        try:
            done.append((step, step.run(machine)))
        except BaseException as e:
            left = _undo(done)
            if not isinstance(e, OSError | KeyboardInterrupt):
                raise
            reason = "interrupted" if isinstance(e, KeyboardInterrupt) else e.strerror or str(e)
            after = "; ".join(left) or "everything before it was undone"
            raise InstallFailed(f"{sentence(step.line())}: {reason}; {after}") from None
    left = []
    for step, finished in done:
        try:
            finished.finish()
        except OSError as e:
            left.append(f"{step.line()['where']}: its old state could not be removed: {e.strerror or e}")
    return left


def _undo(done: Sequence[tuple[Step, Done]]) -> list[str]:
    left = []
    for step, finished in reversed(done):
        try:
            finished.undo()
        except OSError as e:
            if not isinstance(e, FileNotFoundError):  # gone already is as good as undone
                left.append(f"could not be undone: {sentence(step.line())}: {e.strerror or e}")
    return left
