"""An earlier report as the line from which findings count: what it holds does not return."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from xl_econ.core.errors import InputError

from .registry import SEVERITIES, Finding

_FIELDS = {f.name for f in fields(Finding)}
_NEEDED = ("file", "sheet", "cell", "check", "severity")


@dataclass(frozen=True)
class Compared:
    """Findings against an earlier report: those that are new, those that it holds, and those of it that are gone."""

    new: list[Finding]
    known: list[Finding]
    expired: list[Finding]


def load(path: Path) -> list[Finding]:
    """The findings of a report that `audit --json` printed.

    Raises:
        InputError: The file is no such report.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8-sig"))
        listed = [*held["findings"], *held.get("known", ())]
        return [Finding(**{"message": "", **{k: v for k, v in f.items() if k in _FIELDS}}) for f in map(_whole, listed)]
    except OSError as e:
        raise InputError(f"{path}: cannot be read: {e.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{path}: is no report of xl-econ audit --json") from None


def _whole(found: dict[str, Any]) -> dict[str, Any]:
    if not all(isinstance(found[n], str) for n in _NEEDED) or found["severity"] not in SEVERITIES:
        raise ValueError
    return found


def compare(
    found: Sequence[Finding],
    earlier: Sequence[Finding],
    others: Iterable[Finding] = (),
    files: Iterable[str] | None = None,
    checks: Iterable[str] = (),
) -> Compared:
    """Set findings against an earlier report.

    A finding is the same if file, check, sheet and the cell's label are, so that inserted rows make none new; without
    a label the address counts. One that is graver than it was returns.

    Args:
        found: The findings.
        earlier: The earlier ones.
        others: Findings that are left out for another reason, such as acceptances; theirs are not expired.
        files: The workbooks that were audited, if others than those with findings.
        checks: The checks that ran, all if empty: what others had found may still be there.
    """
    others, checks = list(others), set(checks)
    audited = set(files) if files is not None else {f.file for f in (*found, *others)}
    # One workbook against the report of one is the same workbook, whatever the versions are called.
    alone = len(audited) <= 1 and len({f.file for f in earlier}) <= 1
    names = {Path(f).name for f in audited}

    def key(f: Finding) -> tuple[str, ...]:
        return ("" if alone else Path(f.file).name, f.check, f.sheet, f.label or f.cell)

    left: dict[tuple[str, ...], list[Finding]] = {}
    for e in earlier:
        left.setdefault(key(e), []).append(e)

    def take(f: Finding) -> bool:
        weight = SEVERITIES.index(f.severity)
        held = [e for e in left.get(key(f), ()) if SEVERITIES.index(e.severity) >= weight]
        if not held:
            return False
        left[key(f)].remove(next((e for e in held if e.cell == f.cell), held[0]))
        return True

    new: list[Finding] = []
    known: list[Finding] = []
    for f in found:
        (known if take(f) else new).append(f)
    for f in others:
        take(f)
    gone = [e for held in left.values() for e in held]
    looked = [e for e in gone if (not checks or e.check in checks) and (alone or Path(e.file).name in names)]
    return Compared(new, known, looked)
