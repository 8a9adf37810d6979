"""What installing, upgrading, rolling back and uninstalling change: worked out from what is found, and not yet done."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PureWindowsPath

from . import manifest as manifests
from . import office, places, policies, startup
from .findings import PROBLEM, Finding
from .manifest import Manifest, Version
from .places import Places
from .record import Record
from .steps import ASIDE, MakeFolder, MakeKey, Remove, RemoveFolder, RemoveKey, SetValue, Step, WriteFile
from .system import Machine, Refused

OPTIONS = rf"{office.EXCEL}\Options"
MANAGER = rf"{office.EXCEL}\Add-in Manager"


@dataclass(frozen=True)
class Request:
    """What to install.

    Attributes:
        record: The version, its interpreter and DLLs.
        addin: The add-in's bytes.
        force: Install although a policy will keep the add-in from running, and over files that somebody changed.
        planned: The environment is still to be made.
    """

    record: Record
    addin: bytes
    force: bool = False
    planned: bool = False


def sha256(data: bytes) -> str:
    """The checksum as the manifest notes it."""
    return hashlib.sha256(data).hexdigest()


def before_installing(machine: Machine, where: Places, used: Record) -> Iterator[Finding]:
    """What speaks for or against installing on this machine."""
    yield from places.check(where, machine, used)
    yield from office.check(office.office(machine))
    yield from policies.blocking(machine, where.addin.parent)
    yield from loaded_twice(machine, where)


def loaded_twice(machine: Machine, where: Places) -> Iterator[Finding]:
    """Other copies of the add-in that Excel opens at its start."""
    values = machine.registry.values(OPTIONS) or {}
    found = startup.others(values, where.addin)
    folders = [
        where.xlstart,
        *(PureWindowsPath(str(v.data)) for k, v in values.items() if k.casefold() == "altstartup"),
    ]
    for folder in folders:
        if folder.is_absolute() and startup.FILE in (name.casefold() for name in machine.disk.names(folder)):
            found.append(str(folder / startup.FILE))
    for path in found:
        yield Finding.problem(
            "twice", f"Excel opens another copy too: {path}", "Close Excel, move that copy away, and run this again."
        )


def install(machine: Machine, request: Request) -> list[Step]:
    """The plan of a first installation, an upgrade or a repair.

    Raises:
        Refused: The machine is not in a state to install on.
    """
    where = places.places(machine.environment)
    _excel_is_closed(machine)
    problems = [f for f in before_installing(machine, where, request.record) if f.level == PROBLEM]
    if problems and not (request.force and all(f.topic == "policy" for f in problems)):
        hint = " (--force installs all the same)" if all(f.topic == "policy" for f in problems) else ""
        raise Refused("; ".join(f"{f.text}. {f.remedy}" for f in problems) + hint)
    if not request.planned:
        _environment_is_there(machine, request.record)

    old = manifests.read(machine, where)
    new = request.record.version
    own = PureWindowsPath(request.record.python).is_relative_to(where.venv(new))
    current = Version(request.record, sha256(request.addin), own)
    previous = None if old is None else old.current if old.current.record.version != new else old.previous
    known = {v.sha256 for v in old.versions} | {current.sha256} if old else {current.sha256}
    _may_be_replaced(machine, where.addin, known, request.force)

    folders = [f for f in _missing(machine, where.addin.parent) if f != where.root]
    made = (*(old.made_folders if old else ()), *folders)
    key, opening, gap = _opening(machine, where)
    manifest = Manifest(
        current,
        previous,
        where.addin,
        made,
        bool(key) or bool(old and old.made_key),
        gap if opening else bool(old and old.filled_gap),
    )
    steps: list[Step] = [MakeFolder(f) for f in _missing(machine, where.version(new))]
    steps += [MakeFolder(f) for f in folders]
    steps.append(_write(machine, where.kept(new), request.addin, "the package"))
    steps += _switch(machine, where, manifest, request.addin, "the package")
    steps += [*key, *opening]
    if old:
        kept = {v.record.version for v in manifest.versions}
        for version in (v for v in old.versions if v.record.version not in kept):
            steps += _remove_version(machine, where, version, [])
    return steps


def roll_back(machine: Machine) -> list[Step]:
    """The plan of going back to the version before.

    Raises:
        Refused: There is none, or its environment is gone.
    """
    where, old = _installed(machine)
    _excel_is_closed(machine)
    if old.previous is None:
        raise Refused(f"version {old.current.record.version} is the only one that is installed: nothing to go back to")
    back = old.previous
    kept = where.kept(back.record.version)
    if not machine.disk.is_file(kept) or sha256(addin := machine.disk.read(kept)) != back.sha256:
        raise Refused(f"{kept} is not what was installed: install version {back.record.version} anew")
    _environment_is_there(machine, back.record)
    _may_be_replaced(machine, where.addin, {v.sha256 for v in old.versions}, False)
    key, opening, gap = _opening(machine, where)
    manifest = replace(old, current=back, previous=old.current)
    if opening:
        manifest = replace(manifest, made_key=bool(key) or old.made_key, filled_gap=gap)
    folders = [MakeFolder(f) for f in _missing(machine, where.addin.parent)]
    return [*folders, *_switch(machine, where, manifest, addin, str(kept)), *key, *opening]


def rebuild(machine: Machine, addin: bytes) -> list[Step]:
    """The plan of putting another build of the same version in place."""
    where, old = _installed(machine)
    current = replace(old.current, sha256=sha256(addin))
    _may_be_replaced(machine, where.addin, {old.current.sha256}, False)
    kept = _write(machine, where.kept(current.record.version), addin, "Excel")
    return [kept, *_switch(machine, where, replace(old, current=current), addin, "Excel")]


def uninstall(machine: Machine, running: PureWindowsPath | None = None) -> tuple[list[Step], list[str]]:
    """The plan of removing everything that the manifest names.

    Args:
        machine: Where.
        running: The environment of the Python that runs this, which cannot remove itself and is left.

    Returns:
        The steps, and what is left where it is because somebody changed it since.

    Raises:
        Refused: Nothing is installed, or Excel is open.
    """
    where, old = _installed(machine)
    _excel_is_closed(machine)
    left: list[str] = []
    registry = machine.registry
    values = registry.values(OPTIONS) or {}
    steps: list[Step] = []
    for name, value in startup.removed(values, old.addin, old.filled_gap).items():
        steps.append(SetValue(OPTIONS, name, value, values.get(name)))
    steps += _unlisted(machine, old.addin)
    if old.made_key:
        steps.append(RemoveKey(OPTIONS))
    steps += _remove_file(machine, old.addin, {v.sha256 for v in old.versions}, left)
    steps += _remove_file(machine, where.record, {sha256(v.record.encoded()) for v in old.versions}, left)
    for version in old.versions:
        steps += _remove_version(machine, where, version, left, running)
    steps += [Remove(path) for path in (where.manifest, where.log) if machine.disk.is_file(path)]
    steps += [RemoveFolder(folder) for folder in (*reversed(old.made_folders), where.root)]
    return steps, left


def _switch(machine: Machine, where: Places, manifest: Manifest, addin: bytes, source: str) -> list[Step]:
    """What makes a version the one in use: the add-in, the record, and the manifest that says so."""
    return [
        _write(machine, where.addin, addin, source),
        _write(machine, where.record, manifest.current.record.encoded(), "this plan"),
        _write(machine, where.manifest, manifest.encoded(), "this plan"),
    ]


def _opening(machine: Machine, where: Places) -> tuple[list[Step], list[Step], bool]:
    """The key if it has to be made; the value that has Excel open the add-in; whether it goes into a gap."""
    values = machine.registry.values(OPTIONS)
    key: list[Step] = [MakeKey(OPTIONS)] if values is None else []
    found = startup.added(values or {}, where.addin)
    if found is None:
        return key, [], False
    name, value = found
    gap = (startup.number(name) or 0) < max(startup.opened(values or {}), default=-1)
    return key, [SetValue(OPTIONS, name, value), *_unlisted(machine, where.addin)], gap


def _unlisted(machine: Machine, addin: PureWindowsPath) -> list[Step]:
    """Excel's note of an add-in that is known and not ticked would stand in the list beside the installed one."""
    listed = machine.registry.values(MANAGER) or {}
    return [SetValue(MANAGER, k, None, v) for k, v in listed.items() if k.casefold() == str(addin).casefold()]


def _remove_version(
    machine: Machine, where: Places, version: Version, left: list[str], running: PureWindowsPath | None = None
) -> list[Step]:
    name = version.record.version
    venv = where.venv(name)
    steps = _remove_file(machine, where.kept(name), {version.sha256}, left)
    if venv == running:
        left.append(f"{venv}: the Python that runs this cannot remove itself; delete that folder (install.ps1 would)")
    elif version.own_environment and machine.disk.is_folder(venv):
        steps.append(Remove(venv))
    known = {startup.FILE, "venv", startup.FILE + ASIDE, "venv" + ASIDE}
    folder = where.version(name)
    left += [f"{folder / other}: not the installer's" for other in machine.disk.names(folder) if other not in known]
    return [*steps, RemoveFolder(folder)]


def _remove_file(machine: Machine, path: PureWindowsPath, known: Iterable[str], left: list[str]) -> list[Step]:
    if not machine.disk.is_file(path):
        return []
    if sha256(machine.disk.read(path)) not in known:
        left.append(f"{path}: changed since it was installed")
        return []
    return [Remove(path)]


def _write(machine: Machine, path: PureWindowsPath, data: bytes, source: str) -> WriteFile:
    return WriteFile(path, data, source, replaces=machine.disk.is_file(path))


def _missing(machine: Machine, folder: PureWindowsPath) -> list[PureWindowsPath]:
    """A folder and its parents as far as they are not there, the outer first."""
    return [f for f in reversed((folder, *folder.parents)) if not machine.disk.is_folder(f)]


def _installed(machine: Machine) -> tuple[Places, Manifest]:
    where = places.places(machine.environment)
    found = manifests.read(machine, where)
    if found is None:
        raise Refused(f"nothing is installed: there is no {where.manifest}")
    return where, found


def _excel_is_closed(machine: Machine) -> None:
    if running := machine.excel.running():
        ids = ", ".join(map(str, running))
        raise Refused(
            f"Excel is open (process {ids}): save your work, close it and run this again. Nothing was changed; an "
            "Excel without a window is ended in the Task Manager"
        )


def _environment_is_there(machine: Machine, record: Record) -> None:
    if not machine.disk.is_file(PureWindowsPath(record.python)):
        raise Refused(f"{record.python}: there is no such interpreter; run install.ps1 to make its environment")
    for bits, dll in ((64, record.dll64), (32, record.dll32)):
        if not machine.disk.is_file(path := PureWindowsPath(dll)):
            raise Refused(
                f"{dll}: xlwings' DLL for {bits}-bit Excel is missing; pip install --force-reinstall 'xl-econ[excel]'"
            )
        if (found := office.bits_of(machine, path)) not in (bits, None):
            raise Refused(f"{dll} is a {found}-bit file, and {bits}-bit Excel cannot load it; install xlwings anew")


def _may_be_replaced(machine: Machine, path: PureWindowsPath, known: Iterable[str], force: bool) -> None:
    if machine.disk.is_file(path) and sha256(machine.disk.read(path)) not in known and not force:
        raise Refused(f"{path} is not what this installer put there: move it away, or --force replaces it")
