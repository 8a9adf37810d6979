r"""Where the add-in stands on Windows, for one user, and what may be wrong with a profile's folders.

%LOCALAPPDATA%\xl_econ\xl_econ.conf           the record that the add-in reads: interpreter and DLLs
                       install.json           what the installer did
                       install.log
                       <version>\venv\        the environment, made by install.ps1
                       <version>\xl_econ.xlam kept for a rollback
%APPDATA%\Microsoft\AddIns\xl_econ.xlam       what Excel opens: no version in its path, because saved workbooks hold it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PureWindowsPath

from . import record
from .findings import Finding
from .startup import FILE
from .system import Machine, Refused

LONGEST = 259  # what Windows loads a DLL from, unless told otherwise
DEEPEST = 150  # what an installed package adds to the path of its environment
_ELSEWHERE = (
    r"Make an environment in a short folder of plain letters (py -m venv C:\xl-econ), pip install xl-econ[excel] "
    "in it, and there run: xl-econ addin install."
)


@dataclass(frozen=True)
class Places:
    """Folders and files of one user.

    Attributes:
        root: The installer's own folder.
        addin: The file that Excel opens.
        xlstart: Excel's folder of workbooks that it opens by itself.
    """

    root: PureWindowsPath
    addin: PureWindowsPath
    xlstart: PureWindowsPath

    @property
    def record(self) -> PureWindowsPath:
        return self.root / record.FILE

    @property
    def manifest(self) -> PureWindowsPath:
        return self.root / "install.json"

    @property
    def log(self) -> PureWindowsPath:
        return self.root / "install.log"

    def version(self, version: str) -> PureWindowsPath:
        return self.root / version

    def venv(self, version: str) -> PureWindowsPath:
        return self.root / version / "venv"

    def kept(self, version: str) -> PureWindowsPath:
        return self.root / version / FILE


def places(environment: Mapping[str, str]) -> Places:
    """The places of the user whose environment this is.

    Raises:
        Refused: No such folders: not Windows, a service's environment, or a profile on a share.
    """
    found = {key: PureWindowsPath(environment.get(key, "")) for key in ("LOCALAPPDATA", "APPDATA")}
    for key, path in found.items():
        if not path.is_absolute():
            raise Refused(f"the environment variable {key} names no folder: run this on Windows, as the user of Excel")
    local, roaming = found["LOCALAPPDATA"], found["APPDATA"]
    if _is_share(local):
        raise Refused(
            f"LOCALAPPDATA is on a share ({local}), and the add-in needs a folder on a drive of this computer: "
            "ask for a local profile, or use the LAMBDA flavour, which needs no installation"
        )
    root = local / record.FOLDER
    # A roaming profile may stand on a share, where Office trusts no macro: then the add-in stays beside its record.
    addin = root / FILE if _is_share(roaming) else roaming / "Microsoft" / "AddIns" / FILE
    return Places(root, addin, roaming / "Microsoft" / "Excel" / "XLSTART")


def planned(environment: PureWindowsPath, version: str) -> record.Record:
    """The record of an environment as install.ps1 makes it."""
    dlls = [str(environment / f"xlwings{bits}-{record.XLWINGS}.dll") for bits in (64, 32)]
    return record.Record(version, str(environment / "Scripts" / "python.exe"), *dlls)


def check(found: Places, machine: Machine, used: record.Record) -> Iterator[Finding]:
    """What may be wrong with the folders of a profile and of an environment."""
    root, environment = found.root, machine.environment
    synced = [environment[key] for key in ("OneDrive", "OneDriveCommercial") if environment.get(key)]
    if any(root.is_relative_to(PureWindowsPath(folder)) for folder in synced):
        yield Finding.warning(
            "folders",
            f"{root} lies in a folder that OneDrive synchronises: it may be moved or locked while it is installed",
            "Pause the synchronisation while you install; keep this folder on this device.",
        )
    folder = PureWindowsPath(used.dll64).parent
    if len(used.dll64) > LONGEST:
        yield Finding.problem(
            "folders",
            f"{used.dll64}: {len(used.dll64)} letters, and Windows loads no DLL from a path of more than {LONGEST}",
            _ELSEWHERE,
        )
    elif len(str(folder)) + DEEPEST > LONGEST:
        yield Finding.warning(
            "folders",
            f"{folder} is so long that some files in it may pass the {LONGEST} letters of a Windows path",
            f"If pip fails on a long path: {_ELSEWHERE}",
        )
    try:
        used.python.encode(machine.code_page)
    except UnicodeEncodeError:
        yield Finding.problem(
            "folders", f"{used.python}: letters that this Windows cannot pass on to an older program", _ELSEWHERE
        )


def _is_share(path: PureWindowsPath) -> bool:
    return path.drive.startswith("\\\\")
