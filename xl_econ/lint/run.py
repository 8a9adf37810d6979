"""Lints a workbook: every rule over one model of its cells, in a child process with limits."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from xl_econ.workbook import child
from xl_econ.workbook.preflight import preflight

from .rules import RULES, Finding

LEAST, MEGABYTE = 60, 2  # seconds that any workbook has, and more for every megabyte of cells
MEMORY = 4 << 30


def lint(path: Path, seconds: float | None = None) -> list[Finding]:
    """The findings of a workbook, which is only read, sheet by sheet.

    Args:
        path: The workbook.
        seconds: Time limit; it grows with the workbook if None.

    Raises:
        WorkbookError: It cannot be read, or not within the limits.
    """
    preflight(path)
    limit = child.seconds(path, LEAST, MEGABYTE) if seconds is None else seconds
    arguments = [str(path.resolve())]
    found = json.loads(child.run(path, "xl_econ.lint.run", arguments, MEMORY, limit, ("the linter", "read")))
    return [Finding(*f) for f in found]


def findings(path: Path) -> list[Finding]:
    """The findings of a workbook that can be trusted not to exhaust this process.

    Raises:
        WorkbookError: It cannot be read.
    """
    from xl_econ.workbook.scan import scan

    from . import contents, formulas, kinds, rowwise  # noqa: F401  (they register their rules)

    book = scan(path)
    order = {name: n for n, name in enumerate(book.sheets)}
    found = [
        Finding(sheet, cell, r.id, r.severity, message, r.remedy)
        for r in RULES.values()
        for sheet, cell, message in r.check(book)
    ]

    def place(f: Finding) -> tuple[int, int, str]:
        digits = "".join(c for c in f.cell if c.isdigit()) if f.sheet else ""
        return order.get(f.sheet, -1), int(digits or 0), f.cell

    return sorted(found, key=place)


def main() -> int:
    """Entry point of the child: the workbook from the command line, JSON to standard output, one line of error."""
    child.limit_memory()
    try:
        found = findings(Path(sys.argv[1]))
    except BaseException as e:  # a lack of memory is no Exception in every library
        reason = f"{e}".replace("\n", " ").removeprefix(f"{sys.argv[1]}: ")
        print(reason or type(e).__name__, file=sys.stderr)  # noqa: T201
        return 1
    json.dump([[*vars(f).values()] for f in found], sys.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
