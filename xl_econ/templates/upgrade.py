"""A filled workbook in the template's current version, with everything that its user did to it.

A workbook that nobody edited is built anew with its case and its tables. One that was edited is merged: the changes of
the template are patched into it. Which of the two it is, and what changed where, is told by what it was when built.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from xl_econ.core.errors import InputError
from xl_econ.tables.table import replaced
from xl_econ.workbook.grid import Grid
from xl_econ.workbook.names import with_names
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.patch import patch
from xl_econ.workbook.refresh import refreshed
from xl_econ.workbook.write import is_as_built, replacing

from . import build, fill, held, pristine, stamp
from .diff import Finding, diff
from .edited import Edited
from .fill import Case
from .layout import CASES, Layout, Origin
from .merge import Conflict, Merge, Merged, edits
from .model import Model

_ORIGIN = tuple(Origin.model_fields)


@dataclass(frozen=True)
class Default:
    """An input whose value in the template changed, and whether the workbook takes it."""

    key: str
    case: str
    old: Any
    new: Any
    taken: bool


@dataclass
class Upgrade:
    """A workbook's way to the current version.

    Attributes:
        version: Of the template that the workbook was built from.
        model: The template with the workbook's case.
        case: What the workbook holds.
        flavour: Of the workbook.
        is_known: Whether the workbook says what it was when it was built.
        merged: What becomes of an edited workbook; None for one that is built anew.
        added: Inputs that the current version has and the workbook has not; they are the template's own.
        gone: Inputs that the workbook has and the current version has not, with what they held.
        defaults: Inputs that the template has another value for.
        results: Results that change.
    """

    version: str
    model: Model
    case: Case
    flavour: build.Flavour
    is_known: bool = True
    merged: Merged | None = None
    added: list[str] = field(default_factory=list)
    gone: list[dict[str, Any]] = field(default_factory=list)
    defaults: list[Default] = field(default_factory=list)
    results: list[Finding] = field(default_factory=list)

    @property
    def conflicts(self) -> list[Conflict]:
        return self.merged.conflicts if self.merged else []

    @property
    def unmerged(self) -> list[Conflict]:
        """What cannot be brought into the workbook; nothing is written then."""
        return self.merged.unmerged if self.merged else []


@contextmanager
def upgraded(path: Path, anew: bool = False) -> Iterator[tuple[Upgrade, Path]]:
    """A workbook in the template's current version, as a file that goes when the block ends.

    Args:
        path: The workbook.
        anew: Build it anew, whatever was edited.

    Raises:
        InputError: A cell holds what its input cannot take.
        TableError: A row of the workbook's tables cannot be accepted.
        WorkbookError: It cannot be read, or was not built from a template that is known here.
    """
    book, base = Edited(path), pristine.read(path)
    layout = book.layout
    added = [key for key in layout.by_key if book.book.cell_of(f"inputs.{key}") is None]
    book.layout = _without(layout, set(added))
    old = _old_defaults(base, book.layout)
    case = book.read()
    own = _own(case, old)
    given = _given(case, own)
    flavour: build.Flavour = "lambda" if book.stamp.flavour == "lambda" else "plain"
    with replaced(held.tables(book.grid)), tempfile.TemporaryDirectory() as folder:
        model = fill.model(layout, given, str(path))
        new, written = Path(folder, "new.xlsx"), Path(folder, "upgraded.xlsx")
        build.build(model, new, flavour, given.texts)
        found = Upgrade(book.stamp.version, model, given, flavour, base is not None, added=added)
        found.gone = _gone(book, layout)
        found.defaults = list(_defaults(old, layout, own))
        now = Grid(new)
        # A workbook that does not say what it was is what the template is, if that is what it was built from.
        same = base is None and book.stamp.layout == stamp.layout_hash(layout)
        state: Grid | None = base or (pristine.of_built(new, layout) if same else None)
        found.is_known = state is not None
        result = new
        if not anew and not (is_as_built(path) and (state is None or not edits(state, book.grid))):
            if state is None:
                found.merged = Merged(unmerged=[_unknown(book)])
            else:
                found.merged = Merge(state, book.grid, book.book, now, Parts(new), own).run()
                if not found.unmerged:
                    _write(book, found, new, written)
                    result = written
        if not found.unmerged:
            found.results = [f for f in diff(path, result) if f.group == "results" and f.name.endswith("(Live)")]
        yield found, result


def _unknown(book: Edited) -> Conflict:
    why = (
        "it was edited, and no longer says what it was when it was built (a program dropped that, or it is older), "
        "so that your edits and the template's changes cannot be told apart"
    )
    return Conflict("", "", book.path.name, why)


def _without(layout: Layout, keys: set[str]) -> Layout:
    """A layout without some inputs, made anew so that nothing remembered of the whole one comes along."""
    groups = [g.model_copy(update={"inputs": [i for i in g.inputs if i.key not in keys]}) for g in layout.inputs]
    return type(layout).model_validate(layout.model_dump() | {"inputs": [g.model_dump() for g in groups]})


def _old_defaults(base: Grid | None, layout: Layout) -> dict[str, dict[str, Any]]:
    """What the template said of each input when the workbook was built; what it says now where that is not known."""
    found = {}
    for key, i in layout.by_key.items():
        now = {case: i.value(case) for case in CASES} | {what: getattr(i, what) for what in _ORIGIN}
        at = base.cell_of(f"inputs.{key}") if base else None
        if base and at:
            for what in now:
                if column := base.cell_of(f"inputs.{what}"):
                    cell = base.sheets[at[0]].cells.get(type(at[1])(at[1].row, column[1].column))
                    now[what] = cell.value if cell else ""
        found[key] = now
    return found


def _own(case: Case, old: dict[str, dict[str, Any]]) -> set[str]:
    """The inputs that are still as the template had them, in value and source."""
    return {
        key
        for key, was in old.items()
        if case.origins[key].source == was["source"] and all(v[key] == was[c] for c, v in case.values.items())
    }


def _given(case: Case, own: set[str]) -> Case:
    values = {c: {k: v for k, v in held.items() if k not in own} for c, held in case.values.items()}
    return replace(case, values=values, origins={k: o for k, o in case.origins.items() if k not in own})


def _defaults(old: dict[str, dict[str, Any]], layout: Layout, own: set[str]) -> Iterator[Default]:
    for key, was in old.items():
        for case in CASES:
            if was[case] != (now := layout.by_key[key].value(case)):
                yield Default(key, case, was[case], now, key in own)


def _gone(book: Edited, layout: Layout) -> list[dict[str, Any]]:
    """The inputs that the template has no longer, with what they hold."""
    known = {*layout.by_key, *fill.TEXTS, *CASES, *_ORIGIN, "case", "key"}
    keys = [n.partition(".")[2] for n in book.book.names if n.casefold().startswith("inputs.")]
    found = []
    for key in sorted(set(keys) - known):
        if at := book.book.cell_of(f"inputs.{key}"):
            columns = [c for c in CASES if book.book.cell_of(f"inputs.{c}")]
            values = {c: book.book.value(*book.beside(key, c)) for c in columns}
            found.append({"key": key, "cell": f"{at[0]}!{at[1]}", "values": values})
    return found


def _write(book: Edited, found: Upgrade, new: Path, target: Path) -> None:
    """Write the merged workbook: the cells, names and stamp that change, with fresh results."""
    merged, fresh = found.merged or Merged(), Edited(new)
    parts = {"xl/workbook.xml": with_names(book.book.read("xl/workbook.xml"), merged.names)} if merged.names else {}
    cells, properties = book.saying(fresh.stamp)
    given = book.book.cell_of("xl_econ.given")
    said = fresh.book.cell_of("xl_econ.given")
    if given and said and book.book.formula(*given) is None:
        cells[given] = fresh.book.value(*said)
    if place := pristine.place_of(book.path):
        parts[place] = fresh.book.read(pristine.PART)
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder, book.path.name)
        patch(book.book, first, cells, others=parts | properties, anew=merged.cells)
        edited = Edited(first)
        results = refreshed(edited.book)
        for name, at in edited.named_results().items():
            value = results.changes.get(at)
            if isinstance(value, str) and value.startswith("#"):
                raise InputError(f"{at[0]}!{at[1]}: {name} would be {value}: the merged formulas have no result")
        cells, properties = edited.restamped({})
        patch(edited.book, target, cells, results.changes, bool(results.kept), properties)


def place(result: Path, target: Path, force: bool) -> None:
    """Move an upgraded workbook to its place.

    Raises:
        WorkbookError: It cannot be written; what was there is untouched.
    """
    with replacing(target, force) as beside:
        beside.write_bytes(result.read_bytes())
