"""A case of a sweep as a table: a CSV file, or a sheet of a workbook, with a row an input.

The columns are `key`, `value` and `dist`, and the names of parameters: low, mode, high, mean, sd, median, p10, p90,
min, max, steps, scale, and values and weights as `1; 2; 3`. An empty cell says nothing. A row whose key is two inputs
with a `~` between them, `mfu ~ usd_per_gpu_hour`, has their rank correlation as its value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xl_econ.core.errors import InputError
from xl_econ.core.quantity import is_blank, number_from_text
from xl_econ.templates.fill import read_rows

_LONGEST = 255  # characters of a heading
_LISTS = ("values", "weights")


def read_table(path: Path) -> dict[str, Any]:
    """The case that a table holds, as the other formats have it.

    Raises:
        InputError: It cannot be read, has no such columns, or says something twice; says where.
    """
    if path.suffix.lower() == ".csv":
        lines = read_rows(path)
        return _case(lines[0][1], lines[1:], f"{path.name}, line")
    return _of_workbook(path)


def _of_workbook(path: Path) -> dict[str, Any]:
    """The first sheet that has the columns, wherever on it they stand."""
    from xl_econ.workbook.child import seconds, within_limits
    from xl_econ.workbook.preflight import preflight
    from xl_econ.workbook.scan import scan

    preflight(path)
    with within_limits(path, seconds(path)):
        book = scan(path)
    for sheet in book.sheets.values():
        rows: dict[int, dict[int, Any]] = {}
        for (row, column), cell in sorted(sheet.cells.items()):
            if not is_blank(cell.shown):
                whole = cell.is_number and cell.shown == int(cell.shown)
                value = int(cell.shown) if whole else cell.shown
                rows.setdefault(row, {})[column] = book.date(cell) or value
        for at, cells in rows.items():
            names = {column: str(v)[:_LONGEST].strip().casefold() for column, v in cells.items()}
            if "key" in names.values() and {"value", "dist"} & set(names.values()):
                below = [(n, [r.get(column) for column in names]) for n, r in rows.items() if n > at]
                filled = [(n, given) for n, given in below if not all(map(is_blank, given))]
                return _case(list(names.values()), filled, f"{path.name}, sheet {sheet.name}, row")
    raise InputError(f"{path}: no sheet has the columns key and value or dist")


def _case(header: Sequence[str], rows: Sequence[tuple[int, Sequence[Any]]], where: str) -> dict[str, Any]:
    names = [h.strip().casefold() for h in header]
    if "key" not in names:
        raise InputError(f"{where} 1: there is no column key; a case has key, value, dist and the names of parameters")
    found: dict[str, Any] = {"inputs": {}, "correlations": []}
    for number, row in rows:
        given = {n: v for n, v in zip(names, row, strict=False) if n and not is_blank(v)}
        key = str(given.pop("key", "")).strip()
        if not key:
            raise InputError(f"{where} {number}: there is no key")
        of = [k.strip() for k in key.split("~")]
        if len(of) == 2:
            found["correlations"].append({"of": of, "rank": _read(given.get("value", ""))})
        elif key in ("name", "function", "template"):
            found[key] = given.get("value", "")
        elif key in found["inputs"]:
            raise InputError(f"{where} {number}: {key} is given twice")
        else:
            found["inputs"][key] = _given(given, f"{where} {number}: {key}")
    return found


def _given(given: Mapping[str, Any], where: str) -> Any:
    if not given:
        raise InputError(f"{where} has no value")
    if set(given) == {"value"}:
        return given["value"]
    if "value" in given:
        raise InputError(f"{where} has a value and {', '.join(k for k in given if k != 'value')}; leave one out")
    found = {k: _listed(v) if k in _LISTS else _read(v) for k, v in given.items()}
    return list(found["values"]) if set(found) == {"values"} else found


def _read(value: Any) -> Any:
    return number_from_text(value) if isinstance(value, str) else value


def _listed(value: Any) -> list[Any]:
    return [_read(part.strip()) for part in value.split(";")] if isinstance(value, str) else [value]
