"""Which Excel is here: its versions and, above all, its bitness, which decides the DLL that it can load."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PureWindowsPath

from .findings import Finding
from .system import Machine, Registry

SUPPORTED = "16.0"  # Excel 2016, 2019, 2021, 2024 and 365 share it
EXCEL = rf"HKCU\Software\Microsoft\Office\{SUPPORTED}\Excel"
_OFFICE = (r"HKLM\Software\Microsoft\Office", r"HKLM\Software\WOW6432Node\Microsoft\Office")
_APP_PATH = r"Microsoft\Windows\CurrentVersion\App Paths\excel.exe"
_VERSION = re.compile(r"\d+\.\d")
_MACHINES = {0x014C: 32, 0x8664: 64, 0xAA64: 64}
_PLATFORMS = {"x86": 32, "x64": 64, "arm64": 64}


@dataclass(frozen=True)
class Office:
    """What the registry and the program file say of Excel.

    Attributes:
        program: EXCEL.EXE, if it is known.
        bits: 32 or 64, or None if nothing tells.
        told_by: What told the bits.
        disagreeing: What tells other bits: rests of another Office, mostly.
        versions: Versions that have settings of this user or stand on the machine, the newest last.
    """

    program: PureWindowsPath | None
    bits: int | None
    told_by: str
    disagreeing: tuple[str, ...]
    versions: tuple[str, ...]


def office(machine: Machine) -> Office:
    """Look for Excel: the program file itself is believed first, then Click-to-Run's record, then Outlook's."""
    registry = machine.registry
    program = _program(machine)
    told = dict(_told(machine, program))
    told_by, bits = next(iter(told.items()), ("nothing", None))
    disagreeing = tuple(where for where, other in told.items() if other != bits)
    return Office(program, bits, told_by, disagreeing, tuple(sorted(_versions(registry), key=float)))


def check(found: Office) -> Iterator[Finding]:
    """What may be wrong with this Excel."""
    if not found.versions and found.program is None:
        yield Finding.problem(
            "excel",
            "no Excel is installed for this user",
            "Install Excel 2016 or later, or use the templates in another spreadsheet program.",
        )
        return
    if SUPPORTED not in found.versions and found.versions:
        yield Finding.problem(
            "excel",
            f"Excel {', '.join(found.versions)} is here, and the add-in needs {SUPPORTED} (Excel 2016 or later)",
            "Install a later Excel; the templates themselves open in Excel 2010 and later.",
        )
    elif len(found.versions) > 1:
        rest = ", ".join(v for v in found.versions if v != SUPPORTED)
        yield Finding.note(
            "excel", f"settings of Excel {rest} are here too: the add-in is installed for {SUPPORTED} alone"
        )
    if found.bits is None:
        yield Finding.warning(
            "excel",
            "nothing tells whether Excel is 32 or 64 bits wide; both DLLs are there and Excel takes its own",
            "Start Excel once, close it, and look again.",
        )
    else:
        yield Finding.ok("excel", f"Excel is {found.bits}-bit, says {found.told_by}")
    if found.disagreeing:
        yield Finding.note("excel", f"{', '.join(found.disagreeing)} says otherwise: it belongs to another Office")


def _program(machine: Machine) -> PureWindowsPath | None:
    registry = machine.registry
    candidates = [_text(registry, rf"{hive}\Software\{_APP_PATH}", "") for hive in ("HKCU", "HKLM")]
    folders = [_text(registry, rf"{root}\{SUPPORTED}\Excel\InstallRoot", "Path") for root in _OFFICE]
    candidates += [str(PureWindowsPath(folder) / "EXCEL.EXE") for folder in folders if folder]
    for candidate in candidates:
        path = PureWindowsPath(candidate.strip('" '))
        if path.is_absolute() and machine.disk.is_file(path):
            return path
    return None


def _told(machine: Machine, program: PureWindowsPath | None) -> Iterator[tuple[str, int]]:
    if program and (bits := bits_of(machine, program)):
        yield str(program), bits
    for root in _OFFICE:
        for key, name in (
            (rf"{root}\ClickToRun\Configuration", "Platform"),
            (rf"{root}\{SUPPORTED}\Outlook", "Bitness"),
        ):
            if bits := _PLATFORMS.get(_text(machine.registry, key, name).casefold()):
                yield rf"{key}\{name}", bits


def bits_of(machine: Machine, program: PureWindowsPath) -> int | None:
    """Bitness of a program or a DLL: the offset of its PE part stands at 60, the machine 4 bytes into that."""
    try:
        head = machine.disk.read(program, 4096)
        (start,) = struct.unpack_from("<I", head, 60)
        signature, kind = struct.unpack_from("<4sH", head, start)
    except (OSError, struct.error):
        return None
    return _MACHINES.get(kind) if signature == b"PE\0\0" else None


def _versions(registry: Registry) -> set[str]:
    found = set()
    user = r"HKCU\Software\Microsoft\Office"
    for root, below in ((user, "Excel"), *((r, r"Excel\InstallRoot") for r in _OFFICE)):
        for name in registry.subkeys(root):
            if _VERSION.fullmatch(name) and registry.values(rf"{root}\{name}\{below}") is not None:
                found.add(name)
    if any(
        _text(registry, rf"{root}\ClickToRun\Configuration", "VersionToReport").startswith("16.") for root in _OFFICE
    ):
        found.add(SUPPORTED)
    return found


def _text(registry: Registry, key: str, name: str) -> str:
    for found, value in (registry.values(key) or {}).items():
        if found.casefold() == name.casefold():
            return str(value.data)
    return ""
