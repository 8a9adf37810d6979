"""The two sides of a bridge: case files, or filled workbooks with the tables that they hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from xl_econ.core.errors import InputError, XlEconError
from xl_econ.tables.store import RATE_CARD
from xl_econ.tables.table import replaced
from xl_econ.templates import fill, held
from xl_econ.templates.edited import Edited, is_workbook
from xl_econ.templates.fill import mapping
from xl_econ.templates.layout import CASES

from .bridge import Side
from .target import Target, target

Tables = Mapping[str, Mapping[Any, Any]]


@dataclass(frozen=True)
class _Read:
    """What a file says: of what it is a case, and its inputs."""

    path: Path
    name: str
    steps: tuple[tuple[str, str], ...]
    inputs: Mapping[str, Any]
    tables: dict[str, dict[Any, Any]] = field(default_factory=dict)
    stored: Mapping[str, Any] = field(default_factory=dict)


def sides(a: Path, b: Path, of: str | None = None) -> tuple[Target, Side, Side, list[str]]:
    """What two files are cases of, both sides, and what a person should know of them.

    Args:
        a: A case file, or a workbook that was built from a template.
        b: Another one.
        of: The function or template, where the files do not say.

    Raises:
        InputError: They are cases of different things, or do not say of what; an input that cannot be taken.
        WorkbookError: A workbook that cannot be read.
    """
    first, second = (_read(path, of) for path in (a, b))
    if first.name.casefold() != second.name.casefold():
        raise InputError(f"{a} is a case of {first.name}, {b} one of {second.name}")
    t = target(first.name, dict(first.steps or second.steps) or None)
    names = [n for n in RATE_CARD if first.tables.get(n, RATE_CARD[n].rows) != second.tables.get(n, RATE_CARD[n].rows)]
    found, remarks = [], []
    for read in (first, second):
        opened = partial(_opened, read.tables)
        with opened():
            inputs = t.bound(read.inputs, str(read.path))
            remarks += _remarks(t, read, inputs)
        found.append(Side(inputs, opened, bool(names)))
    return t, found[0], found[1], remarks


def _opened(tables: dict[str, dict[Any, Any]]) -> AbstractContextManager[Any]:
    return replaced(tables) if tables else nullcontext()


def _remarks(t: Target, read: _Read, inputs: Mapping[str, Any]) -> list[str]:
    """What a workbook stores where the template's own formulas give another number."""
    wanted = [key for key in read.stored if key in t.outputs]
    computed = t.compute(inputs, wanted) if wanted else {}
    return [
        f"{read.path}: {key} is {read.stored[key]:.10g} there, and {value:.10g} by the template's formulas, which the "
        "bridge is of: the workbook was edited, or is not recalculated"
        for key, value in computed.items()
        if isinstance(read.stored[key], float) and not math.isclose(read.stored[key], value, rel_tol=1e-9)
    ]


def _read(path: Path, of: str | None) -> _Read:
    if is_workbook(str(path)):
        return _workbook(path, of)
    kind = path.suffix.casefold()
    if kind not in fill.FORMATS:
        raise InputError(f"{path}: not a case file; it can be {', '.join((*fill.FORMATS, '.xlsx'))}")
    found = fill.read_flat(path) if kind == ".csv" else fill.read_mapping(path)
    name = of or str(found.get("template") or found.get("function") or "")
    steps = found.get("steps") or {}
    if not name and not steps:
        raise InputError(f"{path}: does not say of which function or template it is a case: --of NAME")
    inputs = mapping(found.get("inputs"), f"{path}: inputs")
    live = str(found.get("case", CASES[0]))
    of_case = mapping(found.get("cases"), f"{path}: cases").get(live)
    values = {**inputs, **mapping(of_case, f"{path}: {live}")}
    for key, value in values.items():
        if isinstance(value, Mapping):
            raise InputError(f"{path}: {key} is uncertain or a range; a bridge goes from one value to another")
    texts = {k: v for k, v in values.items() if k not in fill.TEXTS}
    pairs = tuple((str(k), str(v)) for k, v in mapping(steps, f"{path}: steps").items())
    return _Read(path, name or "steps", pairs, texts)


def _workbook(path: Path, of: str | None) -> _Read:
    book = Edited(path)
    name = book.layout.name
    if of and of.replace("-", "_") != name:
        raise InputError(f"{path}: a workbook of {name}, not of {of}")
    case = book.read()
    try:
        tables = held.tables(book.grid)
    except XlEconError as e:
        raise InputError(f"{path}: {e}") from None
    return _Read(path, name, (), case.values[case.selected], tables, book.results({}))
