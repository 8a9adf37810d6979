"""Filling a template many times: against openpyxl's load, set and save, and against the floors of the work itself.

Goals: 80 times faster than openpyxl; at most twice the sum of formatting the values, compressing the parts that change
and writing the file; memory that does not grow over 1,000 workbooks.  Every 50th workbook is recalculated by IronCalc,
because a value that is stored fast and wrong is worth nothing; openpyxl stores no results at all.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path

from harness import interleaved, judge, report

from xl_econ.templates import compiled, fill, layout, many
from xl_econ.templates.build import build
from xl_econ.workbook.package import LEVEL, deflated
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.recalc import recalculate, same

TEMPLATE = "training_budget"
VERIFIED = 50  # every so many workbooks


def cases(number: int) -> list[fill.Case]:
    """Cases with five inputs given, no two alike."""
    rng = random.Random(20261123)
    found = []
    for n in range(number):
        base = {
            "params_b": rng.uniform(1, 500),
            "tokens_t": rng.uniform(1, 20),
            "mfu": rng.uniform(0.3, 0.5),
            "gpus": float(rng.randrange(512, 32768, 8)),
            "usd_per_gpu_hour": rng.uniform(1.5, 4),
        }
        values = {"Base": base, "Low": base | {"mfu": base["mfu"] * 1.05}, "High": base | {"mfu": base["mfu"] * 0.9}}
        found.append(fill.Case(f"case {n}", values=values, texts={"purpose": f"Case {n}", "owner": "bench"}))
    return found


def ratios(rounds: int, batch: int) -> bool:
    import openpyxl

    template = layout.load(TEMPLATE)
    blank, given = compiled.Blank(template), cases(batch)
    quick = [blank.calculator(c) for c in given]
    whole = [[blank.whole(part, c) for part in blank.changing] for c in quick]
    files = [blank.content(c) for c in quick]
    number = count()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        built = folder / "template.xlsx"
        build(blank.calculator.model, built)
        rows = {x.input.key: x.row for x in blank.calculator.inputs}

        def ours() -> None:
            for case in given:
                blank.write(blank.calculator(case), folder / f"o{next(number)}.xlsx")

        def by_openpyxl() -> None:
            book = openpyxl.load_workbook(built)
            sheet, case = book["Inputs"], given[0]
            for column, which in zip("EFG", case.values, strict=True):
                for key, value in case.values[which].items():
                    sheet[f"{column}{rows[key]}"] = value
            book["Cover"]["C4"], book["Cover"]["C5"] = case.texts["purpose"], case.texts["owner"]
            book.save(folder / f"p{next(number)}.xlsx")

        def formatting() -> None:
            for c in quick:
                for part in blank.changing:
                    blank.filled(part, c)

        def compressing() -> None:
            for parts in whole:
                for part in parts:
                    deflated(part, LEVEL)

        def writing() -> None:
            for content in files:
                (folder / f"w{next(number)}.xlsx").write_bytes(content)

        timings = interleaved(
            {
                f"xl-econ, {batch} workbooks": ours,
                "openpyxl load, set, save, 1": by_openpyxl,
                f"floor: format, {batch}": formatting,
                f"floor: deflate {LEVEL}, {batch}": compressing,
                f"floor: write, {batch}": writing,
            },
            rounds,
        )
    report(timings, lambda s: f"{s * 1e3:.1f} ms")
    mine, other, *floors = (t.median for t in timings.values())
    each, least = mine / batch * 1e3, sum(floors) / batch * 1e3
    print(f"  a workbook: {each:.2f} ms, openpyxl {other * 1e3:.0f} ms, floors {least:.2f} ms")
    ok = judge("openpyxl over ours", other / (mine / batch), 80)
    return ok & judge("ours over the floors", mine / sum(floors), 2, at_most=True)


def thousand(number: int) -> None:
    """Fill so many workbooks in this process; prints megabytes after a tenth and at the end, and the wrong values."""
    template = layout.load(TEMPLATE)
    with tempfile.TemporaryDirectory() as name:
        run = many.Run(template)
        tasks = run.prepare(cases(number), Path(name))
        peaks = []
        for n, _ in enumerate(run.write(tasks), 1):
            if n in (number // 10, number):
                peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        wrong = checked = 0
        for task in tasks[::VERIFIED]:
            found = recalculate(Path(str(task.target)))
            for at, f in Parts(Path(str(task.target))).formulas():
                checked += 1
                wrong += not same(f.value, found[at], 1e-12)
    print(*peaks, checked, wrong)


def main(quick: bool = False) -> bool:
    rounds, batch, number = (2, 5, 50) if quick else (7, 20, 1000)
    print(f"fill: {TEMPLATE}, CPU time, median of {rounds} interleaved rounds")
    ok = ratios(rounds, batch)
    command = [sys.executable, __file__, "--thousand", str(number)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    early, late, checked, wrong = map(float, done.stdout.split())
    print(f"  {number:,} workbooks in one run: {early:.0f} MB after a tenth, {late:.0f} MB at the end")
    ok &= judge("MB that 9 of 10 workbooks add", late - early, 8, at_most=True)
    return ok & judge(f"wrong among {checked:,.0f} recalculated formulas", wrong, 0, at_most=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--thousand"]:
        thousand(int(sys.argv[2]))
    else:
        raise SystemExit(0 if main("--quick" in sys.argv) else 1)
