"""Audits a workbook: every check over one model of its cells, in a child process with limits."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from xl_econ.core.errors import UsageError, nearest
from xl_econ.workbook import child
from xl_econ.workbook.preflight import preflight

from .registry import CHECKS, Finding

SECONDS = 300
MEMORY = 4 << 30


def audit(
    path: Path,
    only: Sequence[str] = (),
    engine: str = "ironcalc",
    seconds: float = SECONDS,
    as_of: date | None = None,
) -> list[Finding]:
    """The findings of a workbook, which is only read, sheet by sheet.

    Args:
        path: The workbook.
        only: Ids of checks; all of them if empty.
        engine: What recomputes it.
        seconds: Time limit.
        as_of: The day against which prices are old; None takes the workbook's own.

    Raises:
        WorkbookError: It cannot be read, or not within the limits.
        UsageError: No such check.
    """
    known(only)
    preflight(path)
    arguments = [str(path.resolve()), engine, str(seconds), str(as_of or ""), *only]
    found = json.loads(child.run(path, "xl_econ.audit.run", arguments, MEMORY, seconds, ("the audit", "read")))
    return [Finding(str(path), *f) for f in found]


def known(ids: Iterable[str]) -> None:
    """Refuse an id that no check has.

    Raises:
        UsageError: No such check; names the nearest.
    """
    from . import checks  # noqa: F401  (they register themselves)

    for name in ids:
        if name not in CHECKS:
            raise UsageError(f"no check {name!r}{nearest(name, CHECKS)}")


def findings(
    path: Path,
    only: Sequence[str] = (),
    engine: str = "ironcalc",
    seconds: float = SECONDS,
    as_of: date | None = None,
) -> list[Finding]:
    """The findings of a workbook that can be trusted not to exhaust this process.

    Raises:
        WorkbookError: It cannot be read.
    """
    from . import checks  # noqa: F401
    from .subject import Subject

    subject = Subject(path, engine, seconds, as_of)
    found = [
        Finding(str(path), f.sheet, f.cell, c.id, f.severity or c.severity, f.message, f.value, f.expected)
        for c in CHECKS.values()
        if not only or c.id in only
        for f in c.run(subject)
    ]
    order = {name: n for n, name in enumerate(subject.book.sheets)}

    def place(f: Finding) -> tuple[int, int, int, str]:
        digits = "".join(c for c in f.cell if c.isdigit()) if f.sheet else ""
        return order.get(f.sheet, -1), int(digits or 0), len(f.cell), f.cell

    return sorted(found, key=place)


def main() -> int:
    """Entry point of the child: workbook, engine, time limit, day, checks; JSON to standard output, or an error."""
    child.limit_memory()
    path, engine, seconds, as_of, *only = sys.argv[1:]
    try:
        found = findings(Path(path), only, engine, float(seconds), date.fromisoformat(as_of) if as_of else None)
    except BaseException as e:  # a lack of memory is no Exception in every library
        reason = f"{e}".replace("\n", " ").removeprefix(f"{path}: ")
        print(reason or type(e).__name__, file=sys.stderr)  # noqa: T201
        return 1
    json.dump([[*vars(f).values()][1:] for f in found], sys.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
