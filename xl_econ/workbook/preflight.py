"""A look at a workbook's package before any parser touches it."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path, PurePosixPath

from xl_econ.core.errors import WorkbookError

MAX_PARTS = 10_000
MAX_EXPANDED = 1 << 30  # bytes; a template of ours expands to under a megabyte
# XML of a workbook packs 5 to 50 times smaller; beyond a hundred, where other readers stop as well, is only what was
# made to fill a memory.
MAX_XML, BOMB, BOMB_RATIO = 512 << 20, 16 << 20, 100
_XML = (".xml", ".rels", ".vml")
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def preflight(path: Path) -> None:
    """Refuse what is not an .xlsx package or cannot be one of ours.

    Raises:
        WorkbookError: Missing, unreadable, encrypted or old format, not a zip, not a workbook, a suspicious package.
    """
    try:
        with path.open("rb") as f:
            magic = f.read(8)
        if magic == _OLE:
            raise WorkbookError(f"{path}: encrypted, or in the old .xls format; save it as an unprotected .xlsx")
        with zipfile.ZipFile(path) as package:
            _check(path, package.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):  # zipfile has no one family of errors
        raise WorkbookError(f"{path}: not an .xlsx workbook") from None
    except OSError as e:
        raise WorkbookError(f"{path}: {e.strerror or e}") from None


def _check(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    names = [p.filename for p in parts]
    if len(names) > MAX_PARTS or sum(p.file_size for p in parts) > MAX_EXPANDED:
        raise WorkbookError(f"{path}: the package is too large to be read safely")
    for p in parts:
        large = p.file_size > MAX_XML or (p.file_size > BOMB and p.file_size > BOMB_RATIO * p.compress_size)
        if large and p.filename.casefold().endswith(_XML):
            raise WorkbookError(f"{path}: {p.filename} is too large to be read safely ({p.file_size:,} bytes)")
    if len({n.casefold() for n in names}) < len(names):
        raise WorkbookError(f"{path}: the package holds a part twice")
    if any(".." in PurePosixPath(n.replace("\\", "/")).parts or n.startswith(("/", "\\")) for n in names):
        raise WorkbookError(f"{path}: the package holds a part outside itself")
    if "xl/workbook.xml" not in names:
        raise WorkbookError(f"{path}: not an .xlsx workbook (it has no xl/workbook.xml)")
