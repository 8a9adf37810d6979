"""A filled workbook in the template's current version: its case and its tables in a workbook that is built anew.

What a person did to the old workbook besides is not in the new one; so it is found first, by comparing the two.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xl_econ.core.errors import WorkbookError
from xl_econ.tables.read import check_rows
from xl_econ.tables.store import RATE_CARD
from xl_econ.tables.table import replaced
from xl_econ.workbook.cell import At, address
from xl_econ.workbook.grid import Grid
from xl_econ.workbook.write import is_as_built

from . import build, fill
from .diff import Finding, diff
from .edited import Edited
from .fill import Case
from .layout import CASES
from .model import Model

# What a new build has of its own, and what follows from inputs and tables.
_EXPECTED = ("inputs", "case", "results", "computed")
_STAMPS = ("Template", "Built by", "Figures as of", "Tables", "Rate card")
_KINDS = {
    "charts": r"xl/charts/chart\d+\.xml",
    "pictures": r"xl/media/.+",
    "sheets with comments": r"xl/(?:comments/)?comments?\d+\.xml",
    "pivot tables": r"xl/pivotTables/.+\.xml",
    "slicers": r"xl/slicers/.+\.xml",
    "macros": r"xl/vbaProject\.bin",
}


@dataclass(frozen=True)
class Upgrade:
    """A workbook's way to the current version.

    Attributes:
        version: Of the template that the workbook was built from.
        model: The template with the workbook's case.
        case: What the workbook holds.
        flavour: Of the workbook.
        added: Inputs that the current version has and the workbook has not; they are the template's own.
        gone: Inputs that the workbook has and the current version has not.
        conflicts: What a person did to the workbook that the new one would not have.
        results: Results that change.
    """

    version: str
    model: Model
    case: Case
    flavour: build.Flavour
    added: list[str]
    gone: list[str]
    conflicts: list[Finding]
    results: list[Finding]


@contextmanager
def upgraded(path: Path) -> Iterator[Upgrade]:
    """A workbook in the template's current version, to be built while its own tables are in use.

    Raises:
        InputError: A cell holds what its input cannot take.
        TableError: A row of the workbook's tables cannot be accepted.
        WorkbookError: It cannot be read, or was not built from a template that is known here.
    """
    book = Edited(path)
    current, said = book.layout, book.stamp
    added: list[str] = []
    if said.version != current.version:
        added = [key for key in current.by_key if book.book.cell_of(f"inputs.{key}") is None]
        groups = [g.model_copy(update={"inputs": [i for i in g.inputs if i.key not in added]}) for g in current.inputs]
        # Made anew, so that nothing remembered of the current layout comes along.
        book.layout = type(current).model_validate(current.model_dump() | {"inputs": [g.model_dump() for g in groups]})
    grid = Grid(path)
    with replaced(_tables(grid)):
        case = _given(book, book.read())
        model = fill.model(current, case, str(path))
        flavour: build.Flavour = "lambda" if said.flavour == "lambda" else "plain"
        with tempfile.TemporaryDirectory() as folder:
            new = Path(folder, "new.xlsx")
            build.build(model, new, flavour, case.texts)
            found = diff(path, new)
            is_current = said.version == current.version
            # Between versions a difference can be the template's; in a workbook that nobody saved it is.
            lost = list(_lost(found, is_current)) if is_current or not is_as_built(path) else []
            lost += _lost_parts(path, new)
        held = {n.partition(".")[2] for n in grid.names if n.startswith("inputs.")}
        known = {
            *current.by_key,
            *fill.TEXTS,
            "case",
            "key",
            "source",
            "as_of",
            "grade",
            *CASES,
            "first_case",
            "last_case",
        }
        gone = sorted(held - known)
        results = [f for f in found if f.group == "results" and f.name.endswith("(Live)")]
        yield Upgrade(said.version, model, case, flavour, added, gone, lost, results)


def _given(book: Edited, case: Case) -> Case:
    """A case without the inputs that are the template's own in value and source."""
    own = {
        key
        for key, i in book.layout.by_key.items()
        if case.origins[key].source == i.source and all(v[key] == i.value(c) for c, v in case.values.items())
    }
    values = {c: {k: v for k, v in held.items() if k not in own} for c, held in case.values.items()}
    return replace(case, values=values, origins={k: o for k, o in case.origins.items() if k not in own})


def _tables(grid: Grid) -> dict[str, dict[Any, Any]]:
    """The rows of the workbook's own tables, checked: an upgrade changes no prices."""
    by_name = {t.sheet.casefold(): t for t in RATE_CARD.values()}
    found = {}
    for area in grid.tables.values():
        if (table := by_name.get(area.name.casefold())) is None:
            continue
        columns = {n: name for n, name in area.columns.items() if name in table.columns}
        sheet = grid.sheets[area.sheet]
        held = [(r, sheet.rows[r]) for r in area.body if any(n in sheet.rows.get(r, {}) for n in columns)]
        raw = [{name: _cell(cells.get(n), table.unit(name)) for n, name in columns.items()} for _, cells in held]
        numbers = [r for r, _ in held]
        letters = {name: n for n, name in columns.items()}

        def place(
            number: int, column: str, area: Any = area, numbers: list[int] = numbers, letters: dict[str, int] = letters
        ) -> str:
            row = area.body.start - 1 if number == 1 else numbers[number - 2]
            return f"{area.sheet}!{address(At(row, letters.get(column, area.key_column)))}"

        found[table.name] = check_rows(table, area.sheet, columns.values(), raw, place)
    return found


def _cell(cell: Any, unit: str) -> Any:
    value: Any = None if cell is None else cell.value
    if hasattr(value, "strftime"):
        return value.strftime("%Y-%m-%d")
    return f"{value:.15g}" if isinstance(value, float) and unit == "text" else value


def _lost(found: list[Finding], same_version: bool) -> Iterator[Finding]:
    """What the old workbook has and the new one has not.

    Between two versions what only the new one has is the template's; within one it is what a person took away.
    """
    for f in found:
        stamped = f.group == "texts" and f.name.partition(" (")[0] in _STAMPS
        if f.group in _EXPECTED or stamped or f.name == "xl_econ.given":
            continue
        if same_version or f.old is not None:
            yield f


def _lost_parts(old: Path, new: Path) -> list[Finding]:
    """Charts, pictures and the like of which the old workbook holds more."""
    try:
        with zipfile.ZipFile(old) as a, zipfile.ZipFile(new) as b:
            names, others = a.namelist(), b.namelist()
    except (zipfile.BadZipFile, OSError) as e:
        raise WorkbookError(f"{old}: cannot be read: {e}") from None
    found = []
    for kind, pattern in _KINDS.items():
        count, other = (sum(bool(re.fullmatch(pattern, n, re.I)) for n in x) for x in (names, others))
        if count > other:
            found.append(Finding("parts", kind, "", "", float(count), float(other)))
    return found
