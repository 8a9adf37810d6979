"""An add-in whose VBA project is replaced: every other part stays as it was, byte for byte."""

from __future__ import annotations

import io
import zipfile

from xl_econ.core.errors import WorkbookError

PROJECT = "xl/vbaProject.bin"


def check(addin: bytes, name: str) -> None:
    """Refuse what is no add-in with macros.

    Raises:
        WorkbookError: Says so.
    """
    content = io.BytesIO(addin)
    if not zipfile.is_zipfile(content) or PROJECT not in zipfile.ZipFile(content).namelist():
        raise WorkbookError(f"{name}: not an add-in with macros: no {PROJECT} in it")


def with_project(addin: bytes, project: bytes) -> bytes:
    """Put another VBA project in.

    Args:
        addin: An .xlam that has one.
        project: Its new vbaProject.bin.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(addin)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            new.writestr(item, project if item.filename == PROJECT else old.read(item))
    return made.getvalue()
