"""Reading the rows of a table: every one checked by its model, keys told apart however they are spelt."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import TableError, nearest

if TYPE_CHECKING:
    from .rows import Row
    from .table import Table


def fold(text: str) -> str:
    """A key without case, blanks and punctuation."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[^\w.]+|_", "", plain) or plain


def spellings(rows: Mapping[Any, Row]) -> list[tuple[str, Any]]:
    """Every key and alias as written, with the key that it names."""
    aliases = {key: (getattr(row, "aliases", None) or "").split(";") for key, row in rows.items()}
    return [(s.strip(), key) for key, others in aliases.items() for s in (str(key), *others) if s.strip()]


def index(rows: Mapping[Any, Row], place: Callable[[Any], str]) -> dict[str, Any]:
    """The key by every spelling, folded: "h100 sxm" and "H100-SXM" are one.

    Args:
        rows: Rows by key.
        place: Where a key stands, for an error.

    Raises:
        TableError: A spelling names two rows.
    """
    found: dict[str, Any] = {}
    for spelling, key in spellings(rows):
        if found.setdefault(fold(spelling), key) != key:
            raise TableError(f"{place(key)}: {spelling!r} names both {found[fold(spelling)]!r} and {key!r}")
    return found


def load(table: Table, path: Path) -> dict[Any, Row]:
    """The rows of a CSV file by key.

    Raises:
        TableError: Unreadable file, missing or unknown column, bad or duplicate row; says file, row, column and reason.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as f:
            reader = csv.DictReader(f)
            return check_rows(table, path.name, reader.fieldnames or (), reader)
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise TableError(f"{path.name}: cannot be read: {e}") from None


def check_rows(
    table: Table,
    where: str,
    header: Iterable[str],
    rows: Iterable[Mapping[str, Any]],
    place: Callable[[int, str], str] | None = None,
) -> dict[Any, Row]:
    """Validated rows by key, from any source of mappings.

    Args:
        table: The table that the rows are for.
        where: What the rows are read from, for errors.
        header: Column names.
        rows: The rows below the header.
        place: Where a row (the header is 1) and a column stand, for errors; the row's number by itself.

    Raises:
        TableError: As `load`.
    """
    from pydantic import ValidationError

    at = place or (lambda number, column: f"{where}, row {number}" if number > 1 else where)
    names = list(header)
    for name in names:
        if name not in table.columns:
            raise TableError(f"{at(1, name)}: unknown column {name!r}{nearest(name or '', table.columns)}")
        if names.count(name) > 1:
            raise TableError(f"{at(1, name)}: column {name!r} stands there twice")
    for name in table.columns:
        if name not in names and not table.is_optional(name):
            raise TableError(f"{where}: column {name!r} is missing")
    found: dict[Any, Row] = {}
    for number, raw in enumerate(rows, 2):
        if None in raw:
            raise TableError(f"{where}, row {number}: more cells than columns")
        try:
            row = table.model(**{k: v for k, v in raw.items() if v not in (None, "")})
        except ValidationError as e:
            column, reason = _reason(e)
            raise TableError(f"{at(number, column)}, column {column}: {reason}") from None
        key = getattr(row, table.key)
        if key in found:
            raise TableError(f"{at(number, table.key)}, column {table.key}: {key!r} stands there twice")
        found[key] = row
    if not found:
        raise TableError(f"{where}: has no rows")
    return found


def _reason(e: Any) -> tuple[str, str]:
    """The column of the first error of a row, and what is wrong with it."""
    first = e.errors()[0]
    column = ".".join(map(str, first["loc"]))
    cause = first.get("ctx", {}).get("error")
    if first["type"] == "missing":
        return column, "is empty"
    return column, str(cause) if cause is not None else f"{first['input']!r}: {first['msg'].lower()}"
