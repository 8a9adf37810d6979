"""The command `lint`: which conventions a workbook breaks, where, and what to do."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .printing import print_json, progress

if TYPE_CHECKING:
    import argparse

    from xl_econ.lint.rules import Finding

SHOWN = 20  # findings of one rule on one sheet


def lint(args: argparse.Namespace) -> int:
    """Findings of workbooks; the exit code is 1 if there are any."""
    from xl_econ.lint import run

    found = {path: run.lint(path) for path in progress(args.workbooks, len(args.workbooks))}
    every = [(str(path), f) for path, of_file in found.items() for f in of_file]
    severities = Counter(f.severity for _, f in every)
    if args.json:
        summary = {"files": len(found), "findings": len(every), "error": severities["error"]}
        summary["warning"] = severities["warning"]
        listed = [{"file": path} | {k: v for k, v in vars(f).items() if k != "remedy"} for path, f in every]
        print_json({"files": [str(p) for p in found], "findings": listed, "summary": summary})
        return 1 if every else 0
    for path, of_file in found.items():
        _show(str(path), of_file)
        print(f"{path}: {_counts(Counter(f.severity for f in of_file))}")
    if len(found) > 1:
        print(f"{len(found)} workbooks: {_counts(severities)}")
    return 1 if every else 0


def _show(path: str, findings: list[Finding]) -> None:
    shown: Counter[tuple[str, str]] = Counter()
    for f in findings:
        shown[f.sheet, f.rule] += 1
        if shown[f.sheet, f.rule] <= SHOWN:
            place = "!".join(filter(None, (f.sheet, f.cell)))
            print(f"{path}: {place} [{f.rule}] {f.severity}: {f.message} ({f.remedy})")
    for (sheet, name), count in shown.items():
        if count > SHOWN:
            print(f"{path}: {sheet} [{name}] {count - SHOWN} more not shown")


def _counts(severities: Counter[str]) -> str:
    found = [f"{n} {word}{'s' if n != 1 else ''}" for word in ("error", "warning") if (n := severities[word])]
    return ", ".join(found) or "no findings"
