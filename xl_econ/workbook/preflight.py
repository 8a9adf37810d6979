"""A look at a workbook's package before any parser touches it."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from xl_econ.core.errors import WorkbookError

MAX_PARTS = 10_000
MAX_EXPANDED = 1 << 30  # bytes; a template of ours expands to under a megabyte
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
    except zipfile.BadZipFile:
        raise WorkbookError(f"{path}: not an .xlsx workbook") from None
    except OSError as e:
        raise WorkbookError(f"{path}: {e.strerror or e}") from None


def _check(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    names = [p.filename for p in parts]
    if len(names) > MAX_PARTS or sum(p.file_size for p in parts) > MAX_EXPANDED:
        raise WorkbookError(f"{path}: the package is too large to be read safely")
    if len(set(names)) < len(names):
        raise WorkbookError(f"{path}: the package holds a part twice")
    if any(".." in PurePosixPath(n).parts or n.startswith("/") for n in names):
        raise WorkbookError(f"{path}: the package holds a part outside itself")
    if "xl/workbook.xml" not in names:
        raise WorkbookError(f"{path}: not an .xlsx workbook (it has no xl/workbook.xml)")
