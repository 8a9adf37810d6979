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
from .system import Refused

LONGEST = 259  # what Windows loads a DLL from, unless told otherwise
DEEPEST = 150  # what an installed package adds to the path of its environment


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
        Refused: No such folders: not Windows, or a service's environment.
    """
    found = {key: PureWindowsPath(environment.get(key, "")) for key in ("LOCALAPPDATA", "APPDATA")}
    for key, path in found.items():
        if not path.is_absolute():
            raise Refused(f"the environment variable {key} names no folder: run this on Windows, as the user of Excel")
    local, roaming = found["LOCALAPPDATA"], found["APPDATA"]
    root = local / record.FOLDER
    # A roaming profile may stand on a share, where Office trusts no macro: then the add-in stays beside its record.
    addin = root / FILE if _is_share(roaming) else roaming / "Microsoft" / "AddIns" / FILE
    return Places(root, addin, roaming / "Microsoft" / "Excel" / "XLSTART")


def check(found: Places, environment: Mapping[str, str], version: str) -> Iterator[Finding]:
    """What may be wrong with the folders of a profile."""
    root = found.root
    if _is_share(root):
        yield Finding.problem(
            "folders",
            f"LOCALAPPDATA is on a share ({root.parent}): the add-in needs a folder on a drive of this computer",
            "Ask your administrator for a local profile, or use the LAMBDA flavour, which needs no installation.",
        )
    synced = [environment[key] for key in ("OneDrive", "OneDriveCommercial") if environment.get(key)]
    if any(root.is_relative_to(PureWindowsPath(folder)) for folder in synced):
        yield Finding.warning(
            "folders",
            f"{root} lies in a folder that OneDrive synchronises: it may be moved or locked while it is installed",
            "Pause the synchronisation while you install; keep this folder on this device.",
        )
    dll = found.venv(version) / f"xlwings64-{record.XLWINGS}.dll"
    if len(str(dll)) > LONGEST:
        yield Finding.problem(
            "folders",
            f"{dll}: {len(str(dll))} letters, and Windows loads no DLL from a path of more than {LONGEST}",
            "Make an environment in a shorter folder and run `xl-econ addin install` in it.",
        )
    elif len(str(found.venv(version))) + DEEPEST > LONGEST:
        yield Finding.warning(
            "folders",
            f"{found.venv(version)} is so long that some files in it may pass the {LONGEST} letters of a Windows path",
            "If pip fails on a long path: make an environment in a shorter folder, `xl-econ addin install` in it.",
        )
    if not str(root).isascii():
        yield Finding.note(
            "folders",
            f"{root} holds letters beyond ASCII: recorded as UTF-16, and not tried in Excel",
            "If functions do not compute: an environment in a folder such as C:\\xl_econ, and `xl-econ addin install`.",
        )


def _is_share(path: PureWindowsPath) -> bool:
    return path.drive.startswith("\\\\")
