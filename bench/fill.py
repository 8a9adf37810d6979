"""Filling templates many times: against openpyxl's load, set and save, and against the floors of the work itself.

Goals, for every template: 80 times faster than openpyxl; at most twice the sum of formatting the values, compressing
them and writing the file; memory that does not grow over 1,000 workbooks.  Both set the same inputs, which is asserted;
ours also stores every result, and each workbook is recalculated by IronCalc, because a value that is stored fast and
wrong is worth nothing.  openpyxl stores no results at all.
"""

from __future__ import annotations

import hashlib
import math
import os
import random
import resource
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

from harness import interleaved, judge, report

from xl_econ.core.errors import InputError
from xl_econ.templates import compiled, fill, layout, many
from xl_econ.templates.build import build
from xl_econ.templates.layout import Layout
from xl_econ.workbook.package import QUICK
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.recalc import recalculate, same

TEMPLATE = "training_budget"  # of the thousand
BATCH, GIVEN = 20, 5
NOISE = 0.9  # ours holds its floors, so a ratio below one can only be the clock's


def cases(template: Layout, number: int, calculator: Any) -> list[fill.Case]:
    """Cases with a few inputs given in each of the three cases, no two alike."""
    rng = random.Random(f"20261123 {template.name}")
    numeric = [k for k, i in template.by_key.items() if not i.kind.is_text and isinstance(i.base, float) and i.base]
    # Whole numbers stay as they are: which of them go together is the template's business.
    keys = [k for k in numeric if not template.by_key[k].base.is_integer()][:GIVEN]
    found: list[fill.Case] = []
    while len(found) < number:
        values: dict[str, dict[str, Any]] = {}
        for case in layout.CASES:
            own = {k: template.by_key[k].value(case) for k in keys}
            values[case] = {k: min(v * rng.uniform(0.95, 1.05), template.by_key[k].kind.high) for k, v in own.items()}
        made = fill.Case(f"case {len(found)}", values=values, texts={"purpose": f"{len(found)}", "owner": "bench"})
        try:
            calculator(made)
        except InputError:
            continue
        found.append(made)
    return found


def ratios(name: str, rounds: int, batch: int) -> bool:
    import openpyxl

    template = layout.load(name)
    blank = compiled.Blank(template)
    given = cases(template, batch, blank.calculator)
    quick = [blank.calculator(c) for c in given]
    between = [[blank.filled(part, c) for part in blank.changing] for c in quick]
    files = [blank.content(c) for c in quick]
    number = count()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
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
            for parts in between:
                for part in parts:
                    packer = zlib.compressobj(QUICK, zlib.DEFLATED, -15)
                    packer.compress(part)
                    packer.flush()

        def writing() -> None:
            for content in files:
                (folder / f"w{next(number)}.xlsx").write_bytes(content)

        timings = interleaved(
            {
                f"xl-econ, {batch} workbooks": ours,
                "openpyxl load, set, save, 1": by_openpyxl,
                f"floor: format, {batch}": formatting,
                f"floor: deflate {QUICK}, {batch}": compressing,
                f"floor: write, {batch}": writing,
            },
            rounds,
        )
        alike(folder, files, rows, given[0])
        wrong, checked = wrong_values([folder / f"w{n}.xlsx" for n in written(folder, "w")[-batch:]])
    report(timings, lambda s: f"{s * 1e3:.1f} ms")
    mine, other, *floors = (t.median for t in timings.values())
    each, least = mine / batch * 1e3, sum(floors) / batch * 1e3
    print(f"  a workbook: {each:.2f} ms, openpyxl {other * 1e3:.0f} ms, floors {least:.2f} ms")
    ok = judge("openpyxl over ours", other / (mine / batch), 80)
    ok &= judge("ours over the floors", mine / sum(floors), 2, at_most=True, limit=NOISE)
    return ok & judge(f"wrong among {checked:,} recalculated formulas", wrong, 0, at_most=True)


def written(folder: Path, kind: str) -> list[int]:
    """Numbers of the files of a contender, in their order."""
    return sorted(int(p.stem[1:]) for p in folder.glob(f"{kind}*.xlsx"))


def alike(folder: Path, files: list[bytes], rows: Mapping[str, int], case: fill.Case) -> None:
    """Every round wrote the same workbooks, and openpyxl's hold the inputs that ours do."""
    import openpyxl

    meant = [hashlib.sha256(content).digest() for content in files]
    for kind in "ow":
        found = [hashlib.sha256((folder / f"{kind}{n}.xlsx").read_bytes()).digest() for n in written(folder, kind)]
        assert found == meant * (len(found) // len(meant)), "a round wrote something else"
    cells = [
        (f"{column}{rows[key]}", value)
        for column, which in zip("EFG", case.values, strict=True)
        for key, value in case.values[which].items()
    ]
    for path in (folder / f"o{written(folder, 'o')[0]}.xlsx", folder / f"p{written(folder, 'p')[0]}.xlsx"):
        sheet = openpyxl.load_workbook(path)["Inputs"]
        found = [(sheet[at].value, value) for at, value in cells]  # openpyxl writes 16 digits
        assert all(math.isclose(a, b, rel_tol=1e-15) for a, b in found), f"{path.name} holds other inputs"


def wrong_values(paths: Iterable[Path]) -> tuple[int, int]:
    """Stored values that a recalculation does not confirm, and how many formulas there are."""

    def one(path: Path) -> tuple[int, int]:
        found = recalculate(path)
        right = [same(f.value, found[at], 1e-12) for at, f in Parts(path).formulas()]
        return right.count(False), len(right)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each waits for a process of its own
        wrong, checked = zip(*pool.map(one, paths), strict=True)
    return sum(wrong), sum(checked)


def thousand(number: int) -> None:
    """Fill so many workbooks in this process; prints megabytes after a tenth and at the end, and the wrong values."""
    template = layout.load(TEMPLATE)
    with tempfile.TemporaryDirectory() as name:
        run = many.Run(template)
        tasks = run.prepare(cases(template, number, run.blank.calculator), Path(name))
        peaks = []
        for n, _ in enumerate(run.write(tasks), 1):
            if n in (number // 10, number):
                peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        wrong, checked = wrong_values(Path(str(task.target)) for task in tasks)
    print(*peaks, checked, wrong)


def main(quick: bool = False) -> bool:
    rounds, batch, number = (2, 5, 50) if quick else (7, BATCH, 1000)
    ok = True
    for name in layout.names():
        print(f"fill: {name}, CPU time, median of {rounds} interleaved rounds")
        ok &= ratios(name, rounds, batch)
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
