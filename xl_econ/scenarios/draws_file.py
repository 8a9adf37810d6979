"""The draws of a sweep as a file, Parquet or CSV: written part by part in flat memory, whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xl_econ.core.errors import UsageError
from xl_econ.core.place import whole

FORMATS = (".parquet", ".csv")
BYTES = {".parquet": 8, ".csv": 18}  # of a number, about
Write = Callable[[Mapping[str, Any]], object]


def refuse(path: Path) -> None:
    """Say before any work that a file cannot be written.

    Raises:
        UsageError: No such format, no folder to write to, or pyarrow is missing.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"--draws {path}: can be {' or '.join(FORMATS)}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--draws {path}: there is no folder {path.absolute().parent}")
    if path.suffix.lower() == ".parquet":
        _pyarrow()


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Write]:
    """What takes columns by name, part after part; when the block ends well the file takes its place.

    Raises:
        UsageError: As `refuse`.
    """
    refuse(path)
    made = _parquet if path.suffix.lower() == ".parquet" else _csv
    with whole(path) as beside, made(beside) as write:
        yield write


def join(parts: Sequence[Path], path: Path) -> None:
    """Put files of one format together as one, a piece at a time.

    Args:
        parts: At least one; they have the same columns.
        path: Of the whole.
    """
    with whole(path) as beside:
        (_join_parquet if path.suffix.lower() == ".parquet" else _join_csv)(parts, beside)


def _join_parquet(parts: Sequence[Path], path: Path) -> None:
    _, parquet = _pyarrow()
    with parquet.ParquetWriter(path, parquet.read_schema(parts[0])) as writer:
        for part in parts:
            with parquet.ParquetFile(part) as file:
                for group in range(file.num_row_groups):
                    writer.write_table(file.read_row_group(group))


def _join_csv(parts: Sequence[Path], path: Path) -> None:
    with path.open("wb") as out:
        for n, part in enumerate(parts):
            with part.open("rb") as file:
                header = file.readline()
                if n == 0:
                    out.write(header)
                shutil.copyfileobj(file, out)


@contextlib.contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    pa, parquet = _pyarrow()
    with contextlib.ExitStack() as opened:
        writer: Any = None

        def write(columns: Mapping[str, Any]) -> None:
            nonlocal writer
            # What has no finite result is a null, as a reader expects.
            table = pa.table({k: pa.array(v, from_pandas=True) for k, v in columns.items()})
            if writer is None:
                writer = opened.enter_context(parquet.ParquetWriter(path, table.schema))
            writer.write_table(table)

        yield write


@contextlib.contextmanager
def _csv(path: Path) -> Iterator[Write]:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        begun = False

        def write(columns: Mapping[str, Any]) -> None:
            nonlocal begun
            if not begun:
                writer.writerow(columns)
                begun = True
            writer.writerows(zip(*map(_cells, columns.values()), strict=True))

        yield write


def _cells(column: Any) -> list[Any]:
    """The cells of a column; an empty one where there is no result."""
    cells: list[Any] = column.tolist()
    if column.dtype == float and np.isnan(column).any():
        return ["" if v != v else v for v in cells]  # noqa: PLR0124
    return cells


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise UsageError(
            "draws as Parquet need the package pyarrow: pip install 'xl-econ[scenarios]', or write a .csv"
        ) from None
    return pa, parquet
