"""What is wrong with an installation, and the remedy; on a machine without Excel for Windows: what works there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import PureWindowsPath

from xl_econ import __version__
from xl_econ.core.errors import XlEconError

from . import manifest as manifests
from . import places, startup
from .findings import Finding
from .manifest import Manifest
from .places import Places
from .plans import MANAGER, OPTIONS, before_installing, sha256
from .record import decode
from .steps import ASIDE
from .system import Machine

_RESILIENCY = r"HKCU\Software\Microsoft\Office\16.0\Excel\Resiliency\DisabledItems"
_INSTALL = "Close Excel and run install.ps1, or xl-econ addin install in an environment with xl-econ[excel]."
_HOSTS = {
    "darwin": ("Excel for Mac", "opens the LAMBDA flavour; functions in Python need Excel for Windows"),
    "linux": ("Excel on the web", "opens the LAMBDA flavour; LibreOffice opens the plain one"),
}


def examine(machine: Machine) -> Iterator[Finding]:
    """Everything there is to say about an installation on Windows."""
    try:
        where = places.places(machine.environment)
        installed = manifests.read(machine, where)
    except XlEconError as e:
        yield Finding.problem("install", str(e), _INSTALL)
        return
    used = installed.current.record if installed else places.planned(where.venv(__version__), __version__)
    yield from before_installing(machine, where, used)
    if running := machine.excel.running():
        ids = ", ".join(map(str, running))
        yield Finding.note("excel", f"Excel is open (process {ids})", "Close it before you install, upgrade or remove.")
    if installed is None:
        yield from _rests(machine, where)
    else:
        yield from _installed(machine, where, installed)


def elsewhere(platform: str) -> Iterator[Finding]:
    """What works on a machine that is not Windows."""
    host, text = _HOSTS.get(platform, _HOSTS["linux"])
    yield Finding.note("host", f"the add-in's functions run in Excel for Windows alone, and this is {platform}")
    yield Finding.ok("host", f"{host} {text}: xl-econ new TEMPLATE --flavour lambda -o F")
    yield Finding.ok("host", f"Python {sys.version.split()[0]}: the functions, fill, recalc, lint; xl-econ version")


def _installed(machine: Machine, where: Places, installed: Manifest) -> Iterator[Finding]:
    disk, current = machine.disk, installed.current
    yield Finding.ok("install", f"version {current.record.version}, the add-in at {installed.addin}")
    if installed.previous:
        yield Finding.ok("install", f"version {installed.previous.record.version} is kept: install.ps1 -Rollback")
    if sys.executable == current.record.python and current.record.version != __version__:
        yield Finding.problem(
            "install",
            f"the environment holds xl-econ {__version__} now, and the add-in is {current.record.version}",
            "Close Excel and run in this environment: xl-econ addin install",
        )
    yield from _file(machine, installed.addin, current.sha256)
    if disk.is_file(installed.addin) and disk.is_from_internet(installed.addin):
        yield Finding.problem(
            "mark",
            f"{installed.addin} is marked as downloaded: Excel will not run its macros",
            f"Unblock it: {_INSTALL}",
        )
    yield from _record(machine, where, installed)
    for path in (current.record.python, current.record.dll64, current.record.dll32):
        if not disk.is_file(PureWindowsPath(path)):
            yield Finding.problem("environment", f"{path} is gone", _INSTALL)
    yield from _opened(machine, installed.addin)
    for folder in (where.root, installed.addin.parent, *(where.version(v.record.version) for v in installed.versions)):
        for name in disk.names(folder):
            if name in (startup.FILE + ASIDE, "venv" + ASIDE, where.record.name + ASIDE, where.manifest.name + ASIDE):
                yield Finding.note("rests", f"{folder / name} was in use and is no longer needed", "Delete it.")


def _file(machine: Machine, path: PureWindowsPath, known: str) -> Iterator[Finding]:
    if not machine.disk.is_file(path):
        yield Finding.problem("install", f"{path} is gone", _INSTALL)
    elif sha256(machine.disk.read(path)) != known:
        yield Finding.warning(
            "install", f"{path} is not as it was installed", f"If nobody meant to change it: {_INSTALL}"
        )


def _record(machine: Machine, where: Places, installed: Manifest) -> Iterator[Finding]:
    if not machine.disk.is_file(where.record):
        yield Finding.problem("record", f"{where.record} is gone: the add-in does not find Python", _INSTALL)
        return
    try:
        found = decode(machine.disk.read(where.record))
    except XlEconError as e:
        yield Finding.problem("record", f"{where.record}: {e}", _INSTALL)
        return
    if found != installed.current.record:
        yield Finding.warning(
            "record", f"{where.record} names other files than were installed", f"If so by mistake: {_INSTALL}"
        )


def _opened(machine: Machine, addin: PureWindowsPath) -> Iterator[Finding]:
    values = machine.registry.values(OPTIONS) or {}
    places_of_ours = startup.ours(values, addin)
    listed = [k for k in machine.registry.values(MANAGER) or {} if k.casefold() == str(addin).casefold()]
    tick = "In Excel: File, Options, Add-ins, Go, tick xl_econ."
    if len(places_of_ours) > 1:
        yield Finding.warning("start", f"Excel opens the add-in {len(places_of_ours)} times: {OPTIONS}", _INSTALL)
    elif not places_of_ours:
        text = "the add-in was unticked in Excel" if listed else f"Excel does not open the add-in: no OPEN in {OPTIONS}"
        yield Finding.problem("start", text, tick)
    for value in (machine.registry.values(_RESILIENCY) or {}).values():
        if isinstance(value.data, bytes) and addin.name.encode("utf-16-le") in value.data.lower():
            yield Finding.problem(
                "start",
                "Excel has disabled the add-in after a crash",
                "In Excel: File, Options, Add-ins, Manage Disabled Items, Go, enable xl_econ.",
            )


def _rests(machine: Machine, where: Places) -> Iterator[Finding]:
    yield Finding.problem("install", "the add-in is not installed", _INSTALL)
    if startup.ours(machine.registry.values(OPTIONS) or {}, where.addin):
        yield Finding.warning(
            "rests", f"{OPTIONS} still opens {where.addin}", "In Excel: File, Options, Add-ins, Go, untick xl_econ."
        )
    rests = [p for p in (where.addin, where.record) if machine.disk.is_file(p)]
    for path in rests:
        yield Finding.warning("rests", f"{path} is there, and no installation that it belongs to", "Move it away.")
