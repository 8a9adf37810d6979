"""The command `audit`: what is wrong with the numbers of a workbook, where, and with what evidence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from .printing import print_json, progress

if TYPE_CHECKING:
    import argparse

    from xl_econ.audit.registry import Finding

SHOWN = 20  # findings of one check on one sheet


def audit(args: argparse.Namespace) -> int:
    """Findings of workbooks; the exit code is 1 if there is one of `--fail-on` or graver."""
    from xl_econ.audit import run
    from xl_econ.audit.registry import SEVERITIES

    run.known(args.check)
    found = {
        path: run.audit(path, args.check, args.engine, as_of=args.as_of)
        for path in progress(args.workbooks, len(args.workbooks))
    }
    every = [f for of_file in found.values() for f in of_file]
    if args.json:
        print_json(as_json([str(p) for p in found], every))
    else:
        for path, of_file in found.items():
            _show(str(path), of_file)
            print(f"{path}: {_counts(of_file)}")
    gate = SEVERITIES[SEVERITIES.index(args.fail_on) :]
    return 1 if any(f.severity in gate for f in every) else 0


def as_json(files: list[str], found: list[Finding]) -> dict[str, Any]:
    """The report for machines."""
    counts = Counter(f.severity for f in found)
    summary = {"files": len(files), "findings": len(found)} | {s: counts[s] for s in ("error", "warning", "info")}
    return {"files": files, "findings": [vars(f) for f in found], "summary": summary}


def _show(path: str, findings: list[Finding]) -> None:
    shown: Counter[tuple[str, str]] = Counter()
    for f in findings:
        shown[f.sheet, f.check] += 1
        if shown[f.sheet, f.check] <= SHOWN:
            place = "!".join(filter(None, (f.sheet, f.cell))) or "workbook"
            print(f"{path}: {place} [{f.check}] {f.severity}: {f.message}")
    for (sheet, name), count in shown.items():
        if count > SHOWN:
            print(f"{path}: {sheet} [{name}] {count - SHOWN} more not shown")


def _counts(found: list[Finding]) -> str:
    counts = Counter(f.severity for f in found)
    words = (
        f"{n} {word}{'s' if n != 1 and word != 'info' else ''}"
        for word in ("error", "warning", "info")
        if (n := counts[word])
    )
    return ", ".join(words) or "no findings"
