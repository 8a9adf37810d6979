"""An add-in whose VBA project is replaced: every other part stays as it was, byte for byte."""

from __future__ import annotations

import io
import zipfile

from xl_econ.core.errors import WorkbookError

PROJECT = "xl/vbaProject.bin"


def with_project(addin: bytes, project: bytes) -> bytes:
    """Put another VBA project in.

    Args:
        addin: An .xlam.
        project: Its new vbaProject.bin.

    Raises:
        WorkbookError: Not an add-in with a VBA project.
    """
    made = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(addin)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
            old.getinfo(PROJECT)
            for item in old.infolist():
                new.writestr(item, project if item.filename == PROJECT else old.read(item))
    except (zipfile.BadZipFile, KeyError):
        raise WorkbookError(f"not an add-in with macros: no {PROJECT} in it") from None
    return made.getvalue()
