"""Writing a workbook so that a failure leaves nothing behind: beside its place, checked, then moved into it."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from xl_econ.core.errors import WorkbookError

from .preflight import preflight

_OWNERS = ("~${}", ".~lock.{}#")  # what Excel and LibreOffice put beside a workbook while they have it open
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@contextlib.contextmanager
def replacing(path: Path, force: bool = False) -> Iterator[Path]:
    """A temporary file beside `path` to write to; when the block ends well it is checked and takes the place.

    Args:
        path: Where to.
        force: Replace a workbook that somebody has edited.

    Raises:
        WorkbookError: The folder is missing or read-only, the target is a folder or open elsewhere, the disk is full,
            or what was written is no workbook. The file that was there before is untouched.
    """
    check_target(path, force)
    try:
        handle, name = tempfile.mkstemp(suffix=".tmp", prefix=f".{path.stem}-", dir=path.parent)
    except OSError as e:
        raise WorkbookError(f"{path}: cannot be written: {e.strerror}") from None
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        preflight(beside)
        with beside.open("rb+") as f:  # a loss of power must not leave the new name with nothing under it
            os.fsync(f.fileno())
        _as_it_was(path, beside)
        beside.replace(path)
    except OSError as e:
        raise WorkbookError(f"{path}: cannot be written: {e.strerror or e}") from None
    finally:
        beside.unlink(missing_ok=True)


def store(path: Path, content: bytes, force: bool = False) -> None:
    """Write a workbook that was put together in memory and needs no second look, with as few calls as it takes.

    Args:
        path: Where to.
        content: The workbook.
        force: Replace a workbook that somebody has edited.

    Raises:
        WorkbookError: As `replacing`; the file that was there before is untouched.
    """
    check_target(path, force)
    beside = path.with_name(f".{path.stem}-{os.getpid()}.tmp")
    try:
        beside.unlink(missing_ok=True)  # left by a process of this number that was killed
        try:
            with beside.open("xb", buffering=0) as file:
                left = memoryview(content)
                while left:
                    left = left[file.write(left) :]
            if path.exists():
                _as_it_was(path, beside)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as e:
        raise WorkbookError(f"{path}: cannot be written: {e.strerror or e}") from None


def check_target(path: Path, force: bool = False) -> None:
    """Refuse a place that cannot or should not be written to.

    Args:
        path: Where a workbook should go.
        force: Replace a workbook that somebody has edited.

    Raises:
        WorkbookError: A folder, a file open elsewhere or read-only, a workbook edited since it was built.
    """
    try:
        if path.is_dir():
            raise WorkbookError(f"{path}: is a folder; name a file in it")
        for owner in (path.with_name(name.format(path.name)) for name in _OWNERS):
            if owner.exists():
                raise WorkbookError(
                    f"{path}: open in another program ({owner.name} stands beside it); close it there first"
                )
        if not path.exists():
            return
        if not (os.access(path, os.W_OK) and path.stat().st_mode & _WRITE):  # root may write to anything
            raise WorkbookError(f"{path}: is read-only")
        if not force and not is_as_built(path):
            raise WorkbookError(f"{path}: exists and is not as xl-econ built it; --force replaces it")
    except OSError as e:
        raise WorkbookError(f"{path}: cannot be written: {e.strerror}") from None


def is_as_built(path: Path) -> bool:
    """Whether a file is empty, or a workbook of ours that nobody has saved since: programs note the time of a save."""
    if not path.stat().st_size:
        return True
    try:
        with zipfile.ZipFile(path) as package:
            core = package.read("docProps/core.xml").decode()
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError):
        return False
    times = [re.search(rf"<dcterms:{name}[^>]*>([^<]+)<", core) for name in ("created", "modified")]
    return "<dc:description>xl-econ " in core and all(times) and len({t[1] for t in times if t}) == 1


def _as_it_was(path: Path, beside: Path) -> None:
    """Give a new file the mode and the owner of the one that it replaces, as far as this user may."""
    if not path.exists():
        beside.chmod(0o666 & ~_umask())
        return
    was = path.stat()
    if hasattr(os, "chown") and (was.st_uid, was.st_gid) != (beside.stat().st_uid, beside.stat().st_gid):
        with contextlib.suppress(PermissionError):
            os.chown(beside, was.st_uid, was.st_gid)
    beside.chmod(was.st_mode & 0o777)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
