"""The draws of a sweep that may be interrupted: a file a part, in a folder beside the file that they become."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from xl_econ.core.errors import InputError

from . import draws_file
from .run import Gathered, Part


@contextlib.contextmanager
def writing(path: Path, gathered: Gathered) -> Iterator[Callable[[Part], None]]:
    """What takes parts, each of which is a whole file before it counts; when the block ends well they are one file.

    Args:
        path: Of that file, Parquet or CSV.
        gathered: What is known of the sweep at the start: its parts are there and stay.

    Raises:
        InputError: They are not there.
        UsageError: As `draws_file.refuse`.
    """
    draws_file.refuse(path)
    folder = path.with_name(f"{path.name}.parts")
    _keep(folder, path.suffix, gathered.stop)
    folder.mkdir(exist_ok=True)

    def write(part: Part) -> None:
        with draws_file.writing(folder / f"{part.start:015}-{part.stop:015}{path.suffix}") as columns:
            columns(part.columns)

    try:
        yield write
    except BaseException:
        if not gathered.stop:  # there will be no state to go on from
            _remove(folder, path.suffix)
        raise
    draws_file.join(_parts(folder, path.suffix), path)
    _remove(folder, path.suffix)


def _parts(folder: Path, suffix: str) -> list[Path]:
    """The files of the parts, in the order of the draws."""
    return sorted(folder.glob(f"{'[0-9]' * 15}-{'[0-9]' * 15}{suffix}"))


def _keep(folder: Path, suffix: str, done: int) -> None:
    """Leave the parts of so many blocks and no others: what was written after a state was does not count."""
    reached = 0
    for file in _parts(folder, suffix):
        start, stop = map(int, file.stem.split("-"))
        if stop > done:
            file.unlink()
        elif start == reached:
            reached = stop
    if reached != done:
        raise InputError(f"{folder}: the draws that the state counts are not there; start anew, without --resume")


def _remove(folder: Path, suffix: str) -> None:
    for file in _parts(folder, suffix):
        file.unlink()
    with contextlib.suppress(OSError):  # something else is in it
        folder.rmdir()
