"""Writing a report: beside its place and then into it, and never over a file that is there unless told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xl_econ.core.errors import UsageError
from xl_econ.core.place import whole

if TYPE_CHECKING:
    from pathlib import Path


def write_text(path: Path, text: str, force: bool) -> None:
    """Write a text file.

    Raises:
        UsageError: It is there, and `force` does not say that it may go.
    """
    free(path, force)
    with whole(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def free(path: Path, force: bool) -> None:
    """Refuse a path that holds something, or whose folder is not there.

    Raises:
        UsageError: It does, and `force` does not say that it may go; a folder, or none to write to.
    """
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; name a file in it")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.absolute().parent}")
    if path.exists() and not force:
        raise UsageError(f"{path}: exists; --force replaces it")


def free_for_picture(path: Path, force: bool) -> None:
    """Refuse a path as `free` does, and any where there is nothing to draw with: before the work, not after it.

    Raises:
        UsageError: As `free`; matplotlib is not installed.
    """
    from xl_econ.scenarios.pictures import drawing

    free(path, force)
    drawing()
