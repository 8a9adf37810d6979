"""Audits a workbook: every check over one model of its cells, in a child process with limits."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import UsageError, XlEconError, nearest
from xl_econ.workbook import child, rate_card, recalc
from xl_econ.workbook.book import Cell
from xl_econ.workbook.cell import as_shown, cell_at
from xl_econ.workbook.preflight import preflight

from .registry import ERROR, INFO, Accepted, Check, Finding, Found, every

if TYPE_CHECKING:
    from xl_econ.engines.base import Engine

    from .subject import Subject

STRICT = "XL_ECON_STRICT"  # set where a check that fails must not be passed over: in tests
_ONE = re.compile(r"[A-Z]{1,3}[0-9]+")
LEAST, MEGABYTE = 60, 3  # seconds that any workbook has, and more for every megabyte of cells
MEMORY = 4 << 30
# What says more of a cell than that its neighbours have another formula.
_EXPLAIN_A_BREAK = ("range-short", "total-in-range", "counted-twice", "heading-in-range", "areas-misaligned")
_OF_RESULTS = frozenset(["circular-reference", "never-computed", "not-recomputed", "stored-value"])
# What judges how a formula is written: where it stands as its template was built, its author has answered for it.
_OF_WRITING = frozenset(
    [
        "areas-misaligned",
        "constant-in-formula",
        "counted-twice",
        "error-masked",
        "formula-break",
        "heading-in-range",
        "lookup-approximate",
        "range-short",
        "total-in-range",
        "unit-clash",
        "unit-factor",
        "volatile-function",
    ]
)


@dataclass(frozen=True)
class Report:
    """What an audit of a workbook gives: findings, those that the workbook accepts, and its cells for the page."""

    file: str
    findings: list[Finding]
    accepted: list[Accepted]
    cells: dict[str, Any] | None = None


def audit(path: Path, only: Sequence[str] = (), engine: str = "ironcalc", as_of: date | None = None) -> list[Finding]:
    """The findings of a workbook, as `report` gives them."""
    return report(path, only, engine, as_of).findings


def report(
    path: Path,
    only: Sequence[str] = (),
    engine: str = "ironcalc",
    as_of: date | None = None,
    cells: bool = False,
) -> Report:
    """The findings of a workbook, which is only read, sheet by sheet.

    Args:
        path: The workbook.
        only: Ids of checks; all of them if empty.
        engine: What recomputes it.
        as_of: The day against which prices are old; None takes the workbook's own.
        cells: Give its cells as well, for the page.

    Raises:
        WorkbookError: It or the rate card in use cannot be read, or not within the limits.
        TableError: A cell of the rate card cannot be accepted.
        UsageError: No such check.
    """
    known(only)
    preflight(path)
    rate_card.held()  # one that cannot be read is said to be that, and no fault of the workbook
    seconds = child.seconds(path, LEAST + (recalc.LEAST[engine] if engine == "libreoffice" else 0), MEGABYTE)
    card = rate_card.current()
    arguments = [str(path.resolve()), engine, str(as_of or ""), str(int(cells)), str(card.resolve() if card else "")]
    arguments += only
    out = json.loads(child.run(path, "xl_econ.audit.child", arguments, MEMORY, seconds, ("the audit", "read")))
    found = [Finding(str(path), *f) for f in out["findings"]]
    accepted = [Accepted(Finding(str(path), *f), *by) for f, *by in out["accepted"]]
    return Report(str(path), found, accepted, out["cells"])


@dataclass(frozen=True)
class Asked:
    """An audit as it goes to a process at work: what `report` takes, and where the workbook is from any folder."""

    path: str
    absolute: str
    only: tuple[str, ...]
    engine: str
    as_of: date | None
    cells: bool


def reports(
    paths: Sequence[Path],
    where: Engine,
    only: Sequence[str] = (),
    engine: str = "ironcalc",
    as_of: date | None = None,
    cells: bool = False,
) -> Iterator[Report]:
    """The reports of workbooks, in their order, worked out wherever an engine runs.

    Args:
        paths: The workbooks; workers find them by the same absolute path.
        where: The engine.
        only: As for `report`, like the others.
        engine: What recomputes them.
        as_of: The day against which prices are old.
        cells: Give their cells as well.

    Raises:
        WorkbookError, UsageError: As `report`.
        EngineError: The workers are out of reach.
    """
    return where.run(_answered, (Asked(str(p), str(p.absolute()), tuple(only), engine, as_of, cells) for p in paths))


def _answered(asked: Asked) -> Report:
    """A report of a workbook, which has the name in it that the workbook was asked for by."""
    try:
        found = report(Path(asked.absolute), asked.only, asked.engine, asked.as_of, asked.cells)
    except XlEconError as e:
        e.args = (str(e).replace(asked.absolute, asked.path),)
        raise
    accepted = [replace(a, finding=replace(a.finding, file=asked.path)) for a in found.accepted]
    return Report(asked.path, [replace(f, file=asked.path) for f in found.findings], accepted, found.cells)


def known(ids: Iterable[str]) -> None:
    """Refuse an id that no check has.

    Raises:
        UsageError: No such check; names the nearest.
    """
    for name in ids:
        if name not in every():
            raise UsageError(f"no check {name!r}{nearest(name, every())}")


def findings(
    path: Path, only: Sequence[str] = (), engine: str = "ironcalc", as_of: date | None = None
) -> list[Finding]:
    """The findings of a workbook that can be trusted not to exhaust this process.

    Raises:
        WorkbookError: It cannot be read.
    """
    from .subject import Subject

    return examine(Subject(path, engine, as_of), only).findings


def examine(subject: Subject, only: Sequence[str] = (), cells: bool = False) -> Report:
    """The report of a workbook that is read, as `report` gives it."""
    from . import causes
    from .acceptances import settle

    path = subject.path
    checks = every()
    labels = subject.labels
    ran = {c for c in checks if not only or c in only}

    def held(f: Found) -> Cell | None:
        first = f.cell.partition(":")[0]
        return subject.book.cell(f.sheet, *cell_at(first)) if f.sheet and _ONE.fullmatch(first) else None

    def of_template(c: Check, f: Found) -> bool:
        cell = held(f) if c.id in _OF_WRITING and subject.manifest is not None else None
        return cell is not None and bool(cell.formula) and subject.as_built(cell)

    def finding(c: Check, f: Found) -> Finding:
        cell = held(f)
        label = "" if cell is None else labels.about(cell).label
        expected = as_shown(f.expected) if isinstance(f.expected, str) else f.expected
        return Finding(
            str(path), f.sheet, f.cell, c.id, f.severity or c.severity, as_shown(f.message), f.value, expected, label
        )

    # The engine is at work meanwhile: what asks for its results comes last.
    found_by = {c.id: list(_run(c, subject)) for c in sorted(checks.values(), key=_awaits_results) if c.id in ran}
    found = [finding(c, f) for c in checks.values() for f in found_by.get(c.id, ()) if not of_template(c, f)]
    special = {(f.sheet, f.cell) for f in found if f.check in _EXPLAIN_A_BREAK and f.severity == ERROR}
    found = [f for f in found if f.check != "formula-break" or (f.sheet, f.cell) not in special]
    found = causes.settle(subject, found)
    standing, accepted = settle(subject.book, found, ran, labels, str(path))
    order = {name: n for n, name in enumerate(subject.book.sheets)}

    def place(f: Finding) -> tuple[int, int, int, str]:
        digits = "".join(c for c in f.cell.partition(":")[0] if c.isdigit()) if f.sheet else ""
        return order.get(f.sheet, -1), int(digits or 0), len(f.cell), f.cell

    given = None
    if cells:
        from .page_data import page_data

        given = page_data(subject, labels)
    return Report(str(path), sorted(standing, key=place), sorted(accepted, key=lambda a: place(a.finding)), given)


def _awaits_results(c: Check) -> bool:
    return c.id in _OF_RESULTS


def _run(c: Check, subject: Subject) -> Iterator[Found]:
    """What a check finds; one that fails says so, and the others still speak."""
    try:
        yield from c.run(subject)
    except (XlEconError, MemoryError):
        raise
    except Exception as e:
        if os.environ.get(STRICT):
            raise
        reason = f"{type(e).__name__}: {e}".replace("\n", " ")[:200]
        yield Found(
            "", "", f"this check failed, and what it looks for was not looked for to the end: {reason}", severity=INFO
        )
