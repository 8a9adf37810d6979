"""Checks that check nothing: where a comparison should be, its answer is typed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xl_econ.audit.registry import WARNING, Found, at, check
from xl_econ.audit.subject import Subject

_A_CHECK = re.compile(r"^(cross-?)?check\b|\breconciliation\b|\bcontrol (total|sum)\b", re.I)
_ANSWERS = (0, 1, True, False, "ok", "true", "pass", "passed")


@check(
    "check-typed",
    WARNING,
    "A row that is called a check holds a typed answer and no formula: it says that all is well, whatever the figures",
    "write the comparison that the check is of",
)
def check_typed(subject: Subject) -> Iterator[Found]:
    """The first figure or answer beside a label such as "Check: cost against runs", where its row has no formula."""
    labels = subject.labels
    for sheet in subject.book.sheets.values():
        if not any(column.formulas for column in sheet.census.columns.values()):
            continue
        called = [c for c in sheet.census.texts if _A_CHECK.match(c.shown.strip())]
        for row, label in {c.row: c for c in reversed(called)}.items():  # the first of its row
            cells = sheet.rows()[row]
            if any(c.formula for c in cells):
                continue
            typed = [c for c in cells if c.column > label.column and c.shown not in (None, "")]
            answer = typed[0].shown if len(typed) == 1 else None
            folded = answer.strip().casefold() if isinstance(answer, str) else answer
            if folded in _ANSWERS and answer is not None and labels.about(typed[0]).row:
                yield at(typed[0], f"{label.text[:60]}: {typed[0].text} is typed")
