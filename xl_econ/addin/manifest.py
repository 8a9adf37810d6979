"""What the installer did, as it notes it in install.json: the only thing that an uninstallation goes by."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import PureWindowsPath
from typing import Any

from xl_econ.core.errors import InputError

from .places import Places
from .record import Record
from .system import Machine

FORMAT = 1


@dataclass(frozen=True)
class Version:
    """An installed version.

    Attributes:
        record: Its interpreter and DLLs.
        sha256: The add-in's checksum; a copy of it is kept in the version's folder.
        own_environment: Whether the environment stands in the version's folder, made by install.ps1, and goes with it.
    """

    record: Record
    sha256: str
    own_environment: bool


@dataclass(frozen=True)
class Manifest:
    """What is installed.

    Attributes:
        current: The version that Excel uses.
        previous: The one before, to roll back to.
        addin: The file that Excel opens.
        made_folders: Folders that were not there before, the outer first.
        made_key: Whether Excel's key Options was not there before.
        filled_gap: Whether the value OPENn went into a gap between others'.
    """

    current: Version
    previous: Version | None
    addin: PureWindowsPath
    made_folders: tuple[PureWindowsPath, ...] = ()
    made_key: bool = False
    filled_gap: bool = False

    @property
    def versions(self) -> tuple[Version, ...]:
        """The current version and, if there is one, that before it."""
        return (self.current, *([self.previous] if self.previous else []))

    def encoded(self) -> bytes:
        """The file's bytes."""
        content = {"format": FORMAT} | asdict(self)
        return (json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n").encode()


def read(machine: Machine, places: Places) -> Manifest | None:
    """What is installed, or None.

    Raises:
        InputError: The manifest cannot be understood.
    """
    if not machine.disk.is_file(places.manifest):
        return None
    try:
        content = json.loads(machine.disk.read(places.manifest))
        if content.pop("format") != FORMAT:
            raise InputError(f"{places.manifest}: written by another version of the installer; use that one")
        current, previous = _version(content["current"]), content["previous"] and _version(content["previous"])
        addin, folders = PureWindowsPath(content["addin"]), tuple(map(PureWindowsPath, content["made_folders"]))
        manifest = Manifest(current, previous, addin, folders, bool(content["made_key"]), bool(content["filled_gap"]))
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        if isinstance(e, InputError):
            raise
        raise InputError(
            f"{places.manifest}: damaged ({type(e).__name__}); docs/addin.md says what to remove by hand"
        ) from None
    # The folders to remove are worked out from versions: a name that leads elsewhere must not be followed.
    for version in manifest.versions:
        name = version.record.version
        if PureWindowsPath(name).name != name or name in ("", ".", ".."):
            raise InputError(f"{places.manifest}: {name!r} is no version")
    return manifest


def _version(content: dict[str, Any]) -> Version:
    return Version(Record(**content["record"]), str(content["sha256"]), bool(content["own_environment"]))
