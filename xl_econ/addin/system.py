"""What installing touches: the registry, the disk and Excel, each behind an interface that tests stand in for."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import NamedTuple, Protocol

from xl_econ.core.errors import XlEconError

REG_SZ, REG_BINARY, REG_DWORD = 1, 3, 4  # winreg's own numbers, known where there is no winreg


class Refused(XlEconError):
    """The machine is not in a state to install on; nothing was changed."""


class InstallFailed(XlEconError):
    """A step failed in the middle; what had been done before it was undone."""

    exit_code = 4


class Value(NamedTuple):
    """A registry value with its type, so that what is moved stays what it was."""

    data: str | int | bytes | Sequence[str] | None
    kind: int = REG_SZ


class Registry(Protocol):
    r"""The registry; keys are written like `HKCU\Software\Microsoft`."""

    def values(self, key: str) -> dict[str, Value] | None:
        """The values of a key by name, or None if there is no such key."""

    def subkeys(self, key: str) -> list[str]:
        """Names of the keys in a key; none if it does not exist."""

    def create(self, key: str) -> None:
        """Make a key; its parents too."""

    def remove_key(self, key: str) -> None:
        """Remove a key that holds nothing."""

    def write(self, key: str, name: str, value: Value) -> None:
        """Set a value in a key that exists."""

    def delete(self, key: str, name: str) -> None:
        """Remove a value."""


class Excel(Protocol):
    """Excel on this machine."""

    def running(self) -> list[int]:
        """Ids of the Excel processes that are open."""

    def ask(self, addin: PureWindowsPath, formula: str) -> object:
        """The value of a formula in a cell of an Excel of our own, with the add-in open."""

    def compiled(self, modules: Mapping[str, str]) -> bytes:
        """The VBA project (vbaProject.bin) that Excel itself makes of modules, by file name."""


class Disk:
    """The disk, by Windows paths: every look and every change goes through here, one small operation a method."""

    def at(self, path: PureWindowsPath) -> Path:
        """Where a path stands; tests have it stand in a folder of theirs."""
        return Path(path)

    def is_file(self, path: PureWindowsPath) -> bool:
        """Whether there is such a file."""
        return self.at(path).is_file()

    def is_folder(self, path: PureWindowsPath) -> bool:
        """Whether there is such a folder."""
        return self.at(path).is_dir()

    def names(self, folder: PureWindowsPath) -> list[str]:
        """What stands in a folder; nothing if it is not there."""
        place = self.at(folder)
        return sorted(found.name for found in place.iterdir()) if place.is_dir() else []

    def read(self, path: PureWindowsPath, size: int = -1) -> bytes:
        """A file's bytes, or its first ones."""
        with self.at(path).open("rb") as file:
            return file.read(size)

    def write(self, path: PureWindowsPath, data: bytes) -> None:
        """Write a file beside its place and move it there, so that it is never half there."""
        place = self.at(path)
        beside = place.with_name(f"{place.name}.new")
        try:
            beside.write_bytes(data)
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)

    def append(self, path: PureWindowsPath, text: str) -> None:
        """Add to a text file."""
        with self.at(path).open("a", encoding="utf-8", newline="\r\n") as file:
            file.write(text)

    def move(self, path: PureWindowsPath, target: PureWindowsPath) -> None:
        """Rename a file or a folder; needs no room on the disk, and fails on Windows while something in it is open."""
        self.at(path).rename(self.at(target))

    def remove(self, path: PureWindowsPath) -> None:
        """Remove a file, or a folder with all that is in it."""
        place = self.at(path)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()

    def make_folder(self, path: PureWindowsPath) -> None:
        """Make a folder whose parent is there."""
        self.at(path).mkdir()

    def remove_folder(self, path: PureWindowsPath) -> None:
        """Remove an empty folder."""
        self.at(path).rmdir()

    def is_from_internet(self, path: PureWindowsPath) -> bool:
        """Whether Windows has marked a file as downloaded (the stream Zone.Identifier); Office blocks its macros."""
        return self._mark(path).is_file()

    def unblock(self, path: PureWindowsPath) -> None:
        """Take the mark of a downloaded file away."""
        self._mark(path).unlink(missing_ok=True)

    def _mark(self, path: PureWindowsPath) -> Path:
        place = self.at(path)
        return place.with_name(f"{place.name}:Zone.Identifier")


@dataclass(frozen=True)
class Machine:
    """The machine to install on.

    Attributes:
        registry: Its registry.
        disk: Its disk.
        excel: Its Excel.
        environment: Environment variables: LOCALAPPDATA, APPDATA...
        code_page: Encoding of its programs that are older than Unicode: xlwings' DLL takes its command line in it.
    """

    registry: Registry
    disk: Disk
    excel: Excel
    environment: Mapping[str, str]
    code_page: str = "mbcs"
