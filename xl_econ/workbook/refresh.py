"""Fresh stored values beside the formulas of a workbook, so that a program that computes nothing reads the truth."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xl_econ.core.errors import CELL_ERRORS, WorkbookError

from .cell import STORABLE_ERRORS, Value
from .package import rewrite
from .parts import Parts, Stored
from .patch import Changes, changed_parts, patch
from .read import Address
from .recalc import recalculate, same

# Stored values closer than this are left as they are: another program's last digit is no reason to touch a cell.
TOLERANCE = 1e-14
_EXTERNAL = re.compile(r"\[\d+\]")
_NOT_COMPUTED = ("#NAME?", "#N/IMPL!", "#ERROR!", "#CIRC!", "#SPILL!", "#CALC!")


@dataclass(frozen=True)
class Refreshed:
    """What a change of a workbook means for its formulas.

    Attributes:
        changes: Results that are not what is stored.
        before: What is stored now beside each of them.
        kept: Formula cells that keep what is stored beside them, because IronCalc cannot compute them.
    """

    changes: dict[Address, Value]
    before: dict[Address, Value]
    kept: list[Address]


def refreshed(book: Parts, values: Changes | None = None) -> Refreshed:
    """Recalculate a workbook, with other values in some cells.

    Raises:
        WorkbookError: IronCalc cannot load it, or a value cannot be put into it.
    """
    stored = dict(book.formulas())
    computed = _recalculated(book, values or {}, stored)
    kept = [at for at, f in stored.items() if _is_beyond(f, computed.get(at))]
    changes = {at: computed[at] for at, f in stored.items() if at in computed}
    if kept and values:
        # An IFERROR hides that what it reads was not computed.  Where IronCalc does not find the value of today from
        # the inputs of today, its value for other inputs is no better.
        today = _recalculated(book, {}, stored)
        missed = {at for at, f in stored.items() if f.value is not None and not same(f.value, today.get(at), 1e-9)}
        kept = sorted({*kept, *missed})
    for at in kept:
        changes.pop(at, None)
    changes = {at: v for at, v in changes.items() if not same(stored[at].value, v, TOLERANCE)}
    return Refreshed(changes, {at: stored[at].value for at in changes}, kept)


def _recalculated(book: Parts, values: Changes, stored: Mapping[Address, Stored]) -> dict[Address, Value]:
    filled = [at for at, f in stored.items() if not f.formula and book.formula(*at) is None]
    if not values:
        return recalculate(book.path, filled=filled)
    parts, _ = changed_parts(book, values, {})
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, book.path.name)
        rewrite(book.path, copy, parts, level=1)
        try:
            return recalculate(copy, filled=filled)
        except WorkbookError as e:
            raise WorkbookError(str(e).replace(str(copy), str(book.path))) from None


def _is_beyond(f: Stored, found: Value) -> bool:
    """Whether a formula is one that IronCalc cannot compute, so that what it found says nothing."""
    if found == f.value:
        return False
    if isinstance(found, str) and (found in _NOT_COMPUTED or found in set(CELL_ERRORS) - set(STORABLE_ERRORS)):
        return True
    return bool(_EXTERNAL.search(f.formula))


def refresh(
    book: Parts, target: Path, values: Changes | None = None, others: Mapping[str, bytes] | None = None
) -> Refreshed:
    """Write a workbook with other values in some cells and fresh results beside all formulas.

    Args:
        book: The workbook as it is.
        target: Where to; the workbook's own path changes it in place.
        values: What cells hold from now on.
        others: New contents of parts that are no worksheets.

    Raises:
        WorkbookError: It cannot be recalculated or written; the file that was there is untouched.
    """
    found = refreshed(book, values)
    patch(book, target, values or {}, found.changes, bool(found.kept), others)
    return found
