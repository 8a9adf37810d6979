"""Audits the faulty workbooks and counts what was found where."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from xl_econ.audit.registry import SEVERITIES, Finding
from xl_econ.audit.run import examine
from xl_econ.audit.subject import Subject
from xl_econ.core.errors import WorkbookError
from xl_econ.workbook.cell import cell_at
from xl_econ.workbook.recalc import Computing
from xl_econ.workbook.values import Place, Rectangle, places

from .draft import same
from .ground import Ground
from .registry import FAULTS

Said = tuple[str, str, str, str]  # sheet, cell, check, severity


@dataclass(frozen=True)
class Task:
    """A fault to place in a workbook."""

    kind: str
    book: Path
    own: bool
    seed: int
    instead: tuple[Path, ...] = ()  # workbooks to try where this one has no place for it


@dataclass
class Outcome:
    """What became of a task.

    Attributes:
        state: found, missed, equivalent, none (no place for it), broken (the workbook could not be audited).
        errors: Findings of top severity: at the fault, where its consequences are, elsewhere.
    """

    task: Task
    state: str
    note: str = ""
    cells: tuple[tuple[str, str], ...] = ()
    said: tuple[str, ...] = ()
    errors: tuple[int, int, int] = (0, 0, 0)
    false: tuple[str, ...] = field(default=())
    follows: tuple[str, ...] = field(default=())


@lru_cache(8)
def ground(path: Path, own: bool) -> tuple[Ground, set[Said]]:
    g = Ground(path, own)
    return g, {_said(f) for f in audited(path, g.computed)}


def _said(f: Finding) -> Said:
    return f.sheet, f.cell, f.check, f.severity


@lru_cache(8)
def before(path: Path, own: bool) -> tuple[Finding, ...]:
    return tuple(audited(path, ground(path, own)[0].computed))


class Known(Computing):
    """Values that are known already: no engine is started."""

    def __init__(self, path: Path, values: dict[tuple[str, str], Any]) -> None:
        self.path, self.engine = path, "ironcalc"
        self._known = {(sheet, *cell_at(at)): value for (sheet, at), value in values.items()}
        self._places: list[Place] = []

    def tell(self, formulas: Sequence[Rectangle] | None) -> None:
        self._places = [*places(formulas or ())]

    def values(self) -> list[Any]:
        return [self._known.get(place) for place in self._places]


def audited(path: Path, values: dict[tuple[str, str], Any]) -> list[Finding]:
    """The findings of a workbook whose recomputed values are known."""
    return examine(Subject(path, Known(path, values))).findings


def run(task: Task, folder: Path) -> Outcome:
    """Place a fault in the first workbook that has a place for it, recompute, audit, compare."""
    for book in (task.book, *task.instead):
        found = _run(replace(task, book=book, instead=()), folder)
        if found.state != "none":
            break
    return found


def _run(task: Task, folder: Path) -> Outcome:
    fault = FAULTS[task.kind]
    g, clean = ground(task.book, task.own)
    rng = random.Random(f"{task.kind} {task.book.name} {task.seed}")
    try:
        planted = fault.place(g, rng)
    except LookupError as e:
        return Outcome(task, "none", str(e))
    target = folder / f"{task.kind}-{task.book.stem}-{task.seed}.xlsx"
    try:
        values = planted.draft.save(target)
        found = audited(target, values)
    except (Exception, WorkbookError) as e:
        return Outcome(task, "broken", f"{planted.note}: {type(e).__name__} {e}")
    finally:
        target.unlink(missing_ok=True)
    before = g.computed
    moved = {at for at in values.keys() & before.keys() if not same(values[at], before[at])}
    moved |= {at for at in planted.cells if at in before and at not in values}
    typed = {at for at, c in planted.draft.cells.items() if c.formula is None}
    outputs = moved - {at for at in typed if at in before}
    if not fault.latent and not outputs and not _changes(g, planted, values):
        return Outcome(task, "equivalent", planted.note)
    enough = SEVERITIES[SEVERITIES.index(fault.least) :]
    new = [f for f in found if _said(f) not in clean]
    at_fault = [f for f in new if f.severity in enough and hit(f, planted.cells, planted.name)]
    errors = [f for f in found if f.severity == "error"]
    exact = [f for f in errors if hit(f, planted.cells, planted.name)]
    rest = [f for f in errors if f not in exact]
    follows = [f for f in rest if (f.sheet, f.cell) in moved and _said(f) not in clean]
    false = [f for f in rest if f not in follows]
    return Outcome(
        task,
        "found" if at_fault else "missed",
        planted.note,
        tuple(sorted(planted.cells)[:6]),
        tuple(f"{f.check}:{f.severity}" for f in at_fault)
        or tuple(f"{f.sheet}!{f.cell} {f.check}:{f.severity}" for f in new[:4]),
        (len(exact), len(follows), len(false)),
        tuple(f"{f.sheet}!{f.cell} {f.check}: {f.message[:110]}" for f in false),
        tuple(f"{f.sheet}!{f.cell} {f.check}: {f.message[:110]}" for f in follows),
    )


def _changes(g: Ground, planted: Any, values: dict[tuple[str, str], Any]) -> bool:
    """Whether a cell that was written anew shows something else than before."""
    for (sheet, at), cell in planted.draft.cells.items():
        held = next((c for c in g.book.sheets[sheet].cells.values() if c.at == at), None)
        shown = values.get((sheet, at), cell.value)
        if held is not None and held.formula and not same(held.shown, shown):
            return True
    return False


def hit(f: Finding, cells: set[tuple[str, str]], name: str = "") -> bool:
    """Whether a finding is at one of the cells of a fault."""
    if ":" in f.cell:
        first, last = (cell_at(x) for x in f.cell.split(":"))
        inside = (cell_at(c) for s, c in cells if s == f.sheet and c)
        return any(first.row <= a.row <= last.row and first.column <= a.column <= last.column for a in inside)
    return (f.sheet, f.cell) in cells or bool(name and not f.cell and name.casefold() in f.message.casefold())


def count(items: list[Outcome]) -> Iterator[tuple[str, int]]:
    for state in ("found", "missed", "equivalent", "none", "broken"):
        yield state, sum(o.state == state for o in items)


def clean(path: Path) -> tuple[Path, int, list[str]]:
    """A clean workbook of somebody else with the number of its formula cells, and the errors said of it."""
    errors = [f for f in before(path, False) if f.severity == "error"]
    number = len(list(ground(path, False)[0].book.formulas()))
    return path, number, [f"{f.sheet}!{f.cell} {f.check}: {f.message[:110]}" for f in errors]
