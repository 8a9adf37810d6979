r"""The installer's record: where the add-in finds its interpreter and xlwings' DLL, and nothing else.

The installer writes it to `%LOCALAPPDATA%\xl_econ\xl_econ.conf`, a fixed place that only the user can write to, and
the add-in reads it there alone: never from a workbook, a sheet or a folder that came with one. Lines `KEY=VALUE`,
CRLF between them, encoded as UTF-16 little endian with a byte order mark: that is what a VBA program reads without
losing a letter of a path.

    VERSION=0.1.0
    PYTHON=C:\Users\Ada\AppData\Local\xl_econ\0.1.0\venv\Scripts\python.exe
    DLL64=C:\Users\Ada\AppData\Local\xl_econ\0.1.0\venv\xlwings64-0.37.8.dll
    DLL32=C:\Users\Ada\AppData\Local\xl_econ\0.1.0\venv\xlwings32-0.37.8.dll

Excel's bitness, not Python's, decides which DLL is loaded. Paths are absolute, on a drive, and hold no quotation mark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from xl_econ.core.errors import InputError

XLWINGS = "0.37.8"  # the DLL, the Python package and the add-in must be of one version
FOLDER, FILE = "xl_econ", "xl_econ.conf"  # below %LOCALAPPDATA%
_PATH = re.compile(r'[A-Za-z]:\\[^"<>|*?\r\n]+')


@dataclass(frozen=True)
class Record:
    """What the installer recorded.

    Attributes:
        version: Version of xl-econ in that environment; the add-in must be of the same.
        python: The interpreter of the environment.
        dll64: xlwings' DLL for 64-bit Excel.
        dll32: The one for 32-bit Excel.
    """

    version: str
    python: str
    dll64: str
    dll32: str

    def __post_init__(self) -> None:
        for key in ("python", "dll64", "dll32"):
            if not _PATH.fullmatch(path := getattr(self, key)):
                raise InputError(f"{FILE}: {key.upper()} must be an absolute path on a drive, not {path!r}")
        for key, bits in (("dll64", 64), ("dll32", 32)):
            name = f"xlwings{bits}-{XLWINGS}.dll"
            if getattr(self, key).rsplit("\\", 1)[-1].lower() != name:
                raise InputError(f"{FILE}: {key.upper()} must name {name}, not {getattr(self, key)!r}")

    def encoded(self) -> bytes:
        """The file's bytes."""
        lines = [f"{f.name.upper()}={getattr(self, f.name)}\r\n" for f in fields(self)]
        return ("\ufeff" + "".join(lines)).encode("utf-16-le")


def decode(content: bytes) -> Record:
    """The record in a file's bytes.

    Raises:
        InputError: Not such a file; says which line or key.
    """
    try:
        text = content.decode("utf-16")
    except UnicodeError:
        raise InputError(f"{FILE}: not a UTF-16 text; run the installer again") from None
    keys = [f.name for f in fields(Record)]
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        key, equals, value = line.partition("=")
        name = key.strip().lower()
        if not equals or name not in keys or name in found:
            raise InputError(
                f"{FILE}: line {number}: {line!r} is not one of {', '.join(keys).upper()}=VALUE, once each"
            )
        found[name] = value.strip()
    if missing := [k.upper() for k in keys if k not in found]:
        raise InputError(f"{FILE}: no {', '.join(missing)}; run the installer again")
    return Record(**found)
