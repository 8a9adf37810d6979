"""Writing a report: beside its place and then into it, and never over a file that is there unless told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xl_econ.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def write_text(path: Path, text: str, force: bool) -> None:
    """Write a text file.

    Raises:
        UsageError: It is there, and `force` does not say that it may go.
    """
    free(path, force)
    beside = path.with_name(f".{path.name}.tmp")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def free(path: Path, force: bool) -> None:
    """Refuse a path that holds something.

    Raises:
        UsageError: It does, and `force` does not say that it may go.
    """
    if path.exists() and not force:
        raise UsageError(f"{path}: exists; --force replaces it")
