"""The command `audit`: what is wrong with the numbers of a workbook, where, and with what evidence."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from .printing import coloured, on_screen, print_grid, print_json, progress, tell_deaths

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from xl_econ.audit.baseline import Compared
    from xl_econ.audit.registry import Accepted, Finding
    from xl_econ.audit.run import Report

SHOWN = 20  # findings of one check on one sheet
_REPORTS = ("sarif", "html", "xlsx")


def audit(args: argparse.Namespace) -> int:
    """Findings of workbooks; the exit code is 1 if there is one of `--fail-on` or graver."""
    from xl_econ import engines
    from xl_econ.audit import baseline, run
    from xl_econ.audit.registry import SEVERITIES

    run.known(args.check)
    _refuse(args)
    if args.list:
        return _list(args)
    earlier = baseline.load(args.baseline) if args.baseline else []
    with engines.engine(args.engine, min(args.workers, max(1, len(args.workbooks)))) as where:
        found = run.reports(args.workbooks, where, args.check, args.recalculate, args.as_of, bool(args.html))
        reports = list(progress(found, len(args.workbooks)))
        tell_deaths(where)
    accepted = [a for r in reports for a in r.accepted]
    every = [f for r in reports for f in r.findings]
    compared = baseline.compare(every, earlier, [a.finding for a in accepted], [r.file for r in reports], args.check)
    _write(args, reports, compared)
    if args.json:
        print_json(as_json([r.file for r in reports], compared, accepted))
    else:
        _print(args, reports, compared)
    gate = SEVERITIES[SEVERITIES.index(args.fail_on) :]
    return 1 if any(f.severity in gate for f in compared.new) else 0


def as_json(files: Sequence[str], compared: Compared, accepted: Sequence[Accepted]) -> dict[str, Any]:
    """The report for machines, which a later `--baseline` reads."""
    counts = Counter(f.severity for f in compared.new)
    summary = {"files": len(files), "findings": len(compared.new)}
    summary |= {s: counts[s] for s in ("error", "warning", "info")}
    summary |= {"accepted": len(accepted), "known": len(compared.known), "expired": len(compared.expired)}
    return {
        "files": list(files),
        "findings": [vars(f) for f in compared.new],
        "accepted": [vars(a.finding) | {"reason": a.reason, "name": a.name, "date": a.date} for a in accepted],
        "known": [vars(f) for f in compared.known],
        "expired": [vars(f) for f in compared.expired],
        "summary": summary,
    }


def _list(args: argparse.Namespace) -> int:
    """The checks, or those that are asked for."""
    from xl_econ.audit.registry import every

    found = [c for c in every().values() if not args.check or c.id in args.check]
    if args.json:
        keys = ("id", "severity", "meaning", "remedy")
        return print_json({"checks": [{key: getattr(c, key) for key in keys} for c in found]})
    rows = [[c.id, c.severity, c.meaning, c.remedy] for c in found]
    print_grid([["check", "severity", "what a finding means", "what to do"], *rows], on_screen(70))
    return 0


def _refuse(args: argparse.Namespace) -> None:
    """Say before any work what cannot be written."""
    from xl_econ.core.errors import UsageError

    from .files import free

    if args.list == bool(args.workbooks):
        said = "--list prints the checks and audits no workbook" if args.list else "no workbook is given to audit"
        raise UsageError(f"{said} (see xl-econ audit --help)")
    for option in ("html", "xlsx"):
        if getattr(args, option) and len(args.workbooks) > 1:
            raise UsageError(f"--{option} shows one workbook; {len(args.workbooks)} are given")
    for option in _REPORTS:
        target = getattr(args, option)
        if target is None:
            continue
        if target.resolve() in {w.resolve() for w in args.workbooks}:
            raise UsageError(f"--{option} {target}: is a workbook that is to be audited")
        free(target, args.force)


def _write(args: argparse.Namespace, reports: Sequence[Report], compared: Compared) -> None:
    """The reports that are asked for."""
    from xl_econ import __version__

    from .files import write_text

    accepted = [a for r in reports for a in r.accepted]
    if args.sarif:
        from xl_econ.audit.sarif import sarif

        log = sarif([r.file for r in reports], compared, accepted, __version__, args.baseline is not None)
        write_text(args.sarif, json.dumps(log, indent=2, ensure_ascii=False) + "\n", args.force)
    if args.html:
        import datetime as dt

        from .audit_page import page

        made = dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
        write_text(args.html, page(reports[0], compared, made, __version__), args.force)
    if args.xlsx:
        from xl_econ.audit.annotate import annotate

        annotate(args.workbooks[0], args.xlsx, compared, accepted)


def _print(args: argparse.Namespace, reports: Sequence[Report], compared: Compared) -> None:
    """The summary on a terminal."""
    new = {id(f) for f in compared.new}
    for r in reports:
        found = [f for f in r.findings if id(f) in new]
        _show(r.file, found)
        for a in r.accepted:
            said = f"{coloured('accepted', 'quiet')} by {a.name}: {a.reason}"
            print(f"{r.file}: {a.finding.place} [{a.finding.check}] {said}")
        known = sum(f.file == r.file for f in compared.known)
        counts = [_counts(found), *_others(len(r.accepted), known, 0)]
        print(f"{r.file}: {', '.join(counts)}")
    for f in compared.expired:
        said = f"{coloured('expired', 'quiet')}: the baseline holds it, the workbook no more"
        print(f"{f.file}: {f.place} [{f.check}] {said}")
    if len(reports) > 1:
        counts = [_counts(compared.new)]
        counts += _others(sum(len(r.accepted) for r in reports), len(compared.known), len(compared.expired))
        print(f"{len(reports)} workbooks: {', '.join(counts)}")
    for option in _REPORTS:
        if getattr(args, option):
            print(getattr(args, option))


def _others(accepted: int, known: int, expired: int) -> list[str]:
    counts = ((accepted, "accepted"), (known, "in the baseline"), (expired, "expired"))
    return [f"{n} {word}" for n, word in counts if n]


def _show(path: str, findings: list[Finding]) -> None:
    shown: Counter[tuple[str, str]] = Counter()
    for f in findings:
        shown[f.sheet, f.check] += 1
        if shown[f.sheet, f.check] <= SHOWN:
            print(f"{path}: {f.place} [{f.check}] {coloured(f.severity, f.severity)}: {f.message}")
    for (sheet, name), count in shown.items():
        if count > SHOWN:
            print(f"{path}: {sheet} [{name}] {count - SHOWN} more not shown")


def _counts(found: Sequence[Finding]) -> str:
    counts = Counter(f.severity for f in found)
    words = (
        coloured(f"{n} {word}{'s' if n != 1 and word != 'info' else ''}", word)
        for word in ("error", "warning", "info")
        if (n := counts[word])
    )
    return ", ".join(words) or coloured("no findings", "good")
