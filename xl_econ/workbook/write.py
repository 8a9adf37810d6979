"""Writing a workbook so that a failure leaves nothing behind: beside its place, checked, then moved into it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from xl_econ.core.errors import WorkbookError

from .preflight import preflight


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` to write to; when the block ends well it is checked and takes the place.

    Raises:
        WorkbookError: The folder is missing or read-only, the target is a folder or open elsewhere, the disk is full,
            or what was written is no workbook. The file that was there before is untouched.
    """
    owner = path.with_name(f"~${path.name}")
    if path.is_dir():
        raise WorkbookError(f"{path}: is a folder; name a file in it")
    if owner.exists():
        raise WorkbookError(f"{path}: open in another program ({owner.name} stands beside it); close it there first")
    if path.exists() and not os.access(path, os.W_OK):
        raise WorkbookError(f"{path}: is read-only")
    try:
        handle, name = tempfile.mkstemp(suffix=".tmp", prefix=f".{path.stem}-", dir=path.parent)
    except OSError as e:
        raise WorkbookError(f"{path}: cannot be written: {e.strerror}") from None
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        preflight(beside)
        beside.chmod(0o666 & ~_umask())
        beside.replace(path)
    except OSError as e:
        raise WorkbookError(f"{path}: cannot be written: {e.strerror or e}") from None
    finally:
        beside.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
