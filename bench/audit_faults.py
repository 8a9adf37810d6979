"""Faults placed by seed in our templates and in other people's models: what the audit finds, at which cell.

Recall counts a fault as found when a new finding, of a warning at least, is at one of its cells. Mutants that change no
figure are counted apart, unless the fault is one that changes none today (a formula frozen at its value, a hidden row).
Precision counts every error on a faulty foreign workbook: at the fault, at a cell whose figure it made wrong, or else
false. ExceLint reports 64.1% precision and 62.1% recall (means over 70 sheets, OOPSLA 2018, figure 9 and section 5).
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from faults import benign, computing, figures, foreign, formulas, layouts, ranges, score, structure, units  # noqa: F401  (they register themselves)
from faults.registry import FAULTS
from harness import judge

from xl_econ.templates import fill, layout
from xl_econ.templates.build import Flavour, build

SEED = 20261123
EACH = 5  # faults of a kind in our templates, and as many in other people's models
T = TypeVar("T")
EXCELINT = "ExceLint: precision 64.1%, recall 62.1%"


def templates(folder: Path, quick: bool) -> list[Path]:
    """Our templates, filled from their cases, plain and some with named functions."""
    found = []
    wanted: list[tuple[str, Flavour]] = [(name, "plain") for name in layout.names()]
    wanted += [(name, "lambda") for name in ("training_budget", "inference_unit_economics")]
    if quick:
        wanted = [("training_budget", "plain")]
    for name, flavour in wanted:
        template = layout.load(name)
        cases = sorted((layout.folder() / "cases" / name).glob("*.toml"))
        case = fill.read(cases[-1], template)[0] if cases else fill.Case(name)
        path = folder / f"{name}.{flavour}.xlsx"
        build(fill.model(template, case), path, flavour, case.texts)
        found.append(path)
    return found


def tasks(own: list[Path], others: list[Path], each: int, only: str) -> list[score.Task]:
    """So many tasks a kind in ours and in others' workbooks, in turn; if each is 0, one in either."""
    found = []
    for n, fault in enumerate(FAULTS.values()):
        rng = random.Random(f"{SEED} {fault.id}")
        for where, books in (("own", own), ("foreign", others)):
            order = tuple(rng.sample(books, len(books)))
            wanted = only in fault.id and where in fault.where and (each or (where == "own") == n % 2 or not fault.both)
            for k in range(max(1, each) if wanted else 0):
                turned = order[k % len(order) :] + order[: k % len(order)]
                found.append(score.Task(fault.id, turned[0], where == "own", k, turned[1:]))
    return sorted(found, key=lambda t: (t.own, t.book.name, t.kind, t.seed))


def noted(found: Iterable[T], report: Path | None) -> list[T]:
    """All of them, each added to a log beside the report as it comes: a long run tells how far it is."""
    got = []
    for item in found:
        got.append(item)
        if report:
            with report.with_suffix(".log").open("a") as log:
                log.write(f"{item}\n")
    return got


def table(outcomes: list[score.Outcome]) -> None:
    """A line a kind: found of placed, for our templates and for the others."""
    print(f"  {'kind of fault':32s} {'own':>10s} {'foreign':>10s}   equivalent, no place, broken")
    by: dict[str, list[score.Outcome]] = defaultdict(list)
    for o in outcomes:
        by[o.task.kind].append(o)
    for kind in FAULTS:
        items = by[kind]
        words = []
        for own in (True, False):
            c = Counter(o.state for o in items if o.task.own == own)
            words.append(f"{c['found']}/{c['found'] + c['missed']}" if c["found"] + c["missed"] else "-")
        c = Counter(o.state for o in items)
        print(f"  {kind:32s} {words[0]:>10s} {words[1]:>10s}   {c['equivalent']}, {c['none']}, {c['broken']}")


def recall(outcomes: list[score.Outcome], own: bool) -> float:
    c = Counter(o.state for o in outcomes if o.task.own == own)
    return 100 * c["found"] / max(1, c["found"] + c["missed"])


def main(quick: bool = False, only: str = "", report: Path | None = None, each: int = EACH) -> bool:
    each = 0 if quick else each
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(2) as pool:
        folder = Path(name)
        own = templates(folder, quick)
        seeds = (1,) if quick else (1, 2)
        models = ("capacity", "training") if quick else foreign.MODELS
        others = [foreign.build(n, seed, folder) for n in models for seed in seeds]
        more = [layouts.build(n, seed, folder) for n in layouts.LAYOUTS for seed in seeds]
        work = tasks(own, others, each, only)
        print(f"audit of seeded faults: {len(FAULTS)} kinds, {len(own)} own and {len(others)} foreign workbooks")
        # Tasks stand in the order of their workbooks, and each process reads a workbook once for a chunk.
        outcomes = noted(pool.map(partial(score.run, folder=folder), work, chunksize=1 if quick else 12), report)
        clean = list(pool.map(score.clean, others + more))
        todo = [] if only else benign.tasks(own, others, 12 if quick else 200)
        edits = noted(pool.map(partial(benign.run, folder=folder), todo, chunksize=1 if quick else 12), report)
    table(outcomes)
    ok = summary(outcomes, clean, edits)
    if report:
        write(report, outcomes, clean, edits)
    return ok


def summary(
    outcomes: list[score.Outcome], clean: list[tuple[Path, int, list[str]]], edits: list[benign.Edited]
) -> bool:
    total = Counter(o.state for o in outcomes)
    print(f"  {sum(total.values())} placed: " + ", ".join(f"{n} {s}" for s, n in total.items()))
    at, follows, false = (
        sum(o.errors[n] for o in outcomes if not o.task.own and o.state in ("found", "missed")) for n in range(3)
    )
    errors = sum(len(e) for _, _, e in clean)
    cells = sum(n for _, n, _ in clean)
    said = max(1, at + follows + false)
    print(f"  beside it, {EXCELINT}")
    ok = judge("own templates: recall at the located cell, %", recall(outcomes, True), 99)
    judge("foreign: recall at the located cell, % (ExceLint 62.1)", recall(outcomes, False), 62.1)
    ok &= judge("foreign: precision of errors at the fault or what it makes wrong, %", 100 * (at + follows) / said, 75)
    judge("foreign: precision of errors at the fault alone, %", 100 * at / said, 75)
    ok &= judge(
        f"errors in 1,000 formula cells of {len(clean)} clean models ({cells:,} cells)",
        errors / cells * 1000,
        1,
        at_most=True,
    )
    if edits:
        states = Counter(e.state for e in edits)
        alarms = sum(bool(e.alarms) for e in edits)
        print(f"  benign edits: {states['done']} made, {states['none']} without a place, {states['broken']} broken")
        ok &= judge(f"false alarms in {states['done']} benign edits", alarms, 0, at_most=True)
    return ok


def write(
    path: Path, outcomes: list[score.Outcome], clean: list[tuple[Path, int, list[str]]], edits: list[benign.Edited]
) -> None:
    """What was missed, false alarms, and what could not be run, for whoever mends the checks."""
    lines = ["# Missed faults (kind, workbook, seed: what was done, where a finding was expected, what was found)"]
    for o in outcomes:
        if o.state in ("missed", "broken"):
            where = ", ".join(f"{s}!{c}" for s, c in o.cells)
            place = f"{o.task.kind} | {o.task.book.name} {o.task.seed} | {o.note}"
            said = ", ".join(o.said) or "nothing"
            lines.append(f"- {o.state} {place} | expected at {where} | found instead: {said}")
    lines.append("\n# Errors on foreign models away from the fault")
    known = {(p.name, x) for p, _, errors in clean for x in errors}
    lines += [
        f"- {o.task.kind} | {o.task.book.name} {o.task.seed} | {o.note} | {x}"
        for o in outcomes
        for x in o.false
        if not o.task.own and (o.task.book.name, x) not in known
    ]
    lines.append("\n# Errors on foreign models at what the fault makes wrong")
    lines += [
        f"- {o.task.kind} | {o.task.book.name} {o.task.seed} | {o.note} | {x}"
        for o in outcomes
        for x in o.follows
        if not o.task.own
    ]
    lines.append("\n# Errors on clean foreign models")
    lines += [f"- {p.name}: {x}" for p, _, errors in clean for x in errors]
    lines.append("\n# Benign edits with findings")
    lines += [f"- {e.kind} | {e.book} {e.seed} | {e.note} | {x}" for e in edits for x in e.alarms]
    lines += [f"- {e.state} {e.kind} | {e.book} {e.seed} | {e.note}" for e in edits if e.state == "broken"]
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    parser.add_argument("--report", type=Path, help="write what was missed to this file")
    parser.add_argument("--each", type=int, default=EACH, help="faults of each kind in own and in foreign workbooks")
    given = parser.parse_args()
    sys.exit(0 if main(given.quick, given.only, given.report, given.each) else 1)
