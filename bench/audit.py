"""Auditing large workbooks: against IronCalc's load and evaluation alone, in memory, and as workbooks grow.

Goals: at most twice the time of IronCalc's load and evaluation, which the audit runs itself; less than 1 GB in any
process; ten times the cells take at most twelve times as long. Whole processes are timed in turn, by the clock: the
audit reads the workbook while IronCalc computes it. The processor time of all its processes is printed beside, which is
what it takes where only one core is free. Every workbook has one planted fault: IronCalc must compute the right value
of it, and the audit find it, compute all else as it is stored, and no check of it fail.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import xlsxwriter
from harness import judge

GROWTH = 12  # times as long for ten times the cells
MEGABYTES = 1000
FEW = 100_000  # formulas that the goal of time is set for
IRONCALC = """
import sys
import ironcalc
model = ironcalc.load_from_xlsx(sys.argv[1], "en", "UTC")
model.evaluate()
print(model.get_cell_value(1, 1, 1))
"""
ENV = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
WIDE = 2000  # columns


def rows(sheet: xlsxwriter.worksheet.Worksheet, cells: int) -> None:
    """Rows of four formulas over two inputs and the row above, as a plan by month has them."""
    total = 0.0
    for r in range(1, cells // 4 + 1):
        price, count = 2 + r % 7, r % 11
        sheet.write_number(r, 0, price)
        sheet.write_number(r, 1, count)
        sheet.write_formula(r, 2, f"=A{r + 1}*B{r + 1}", None, price * count)
        sheet.write_formula(r, 3, f"=C{r + 1}*$B$2", None, price * count * 1)
        sheet.write_formula(r, 4, f"=E{r}+D{r + 1}", None, total := total + price * count)
        sheet.write_formula(r, 5, f"=IF(E{r + 1}>100,E{r + 1}/2,ROUND(C{r + 1},2))", None,
                            total / 2 if total > 100 else price * count)  # fmt: skip


def across(sheet: xlsxwriter.worksheet.Worksheet, cells: int) -> None:
    """Long rows, each from the row above and the column before."""
    for c in range(WIDE + 1):
        sheet.write_number(0, c, c)
    names = [xlsxwriter.utility.xl_col_to_name(c) for c in range(WIDE + 1)]
    above = list(range(WIDE + 1))
    for r in range(1, cells // WIDE + 1):
        sheet.write_number(r, 0, r)
        here = [r]
        for c in range(1, WIDE + 1):
            here.append(here[-1] + above[c] * 0.5)
            sheet.write_formula(r, c, f"={names[c - 1]}{r + 1}+{names[c]}{r}*0.5", None, here[c])
        above = here


def totals(sheet: xlsxwriter.worksheet.Worksheet, cells: int) -> None:
    """Blocks of twelve months with their sums, and look-ups in a list of prices."""
    for r in range(50):
        sheet.write_number(r, 20, r)
        sheet.write_number(r, 21, r * 1.5)
    for r in range(1, cells // 4 + 1):
        months = [float((r + c) % 13) for c in range(12)]
        for c, v in enumerate(months):
            sheet.write_number(r, c, v)
        at, price = r + 1, (r % 50) * 1.5
        sheet.write_number(r, 16, r % 50)
        sheet.write_formula(r, 12, f"=SUM(A{at}:L{at})", None, sum(months))
        sheet.write_formula(r, 13, f"=VLOOKUP(Q{at},$U$1:$V$50,2,FALSE)", None, price)
        sheet.write_formula(r, 14, f"=M{at}*N{at}", None, sum(months) * price)
        sheet.write_formula(r, 15, f"=IFERROR(O{at}/M{at},1)", None, price)


MONTHS = 48


def plan(sheet: xlsxwriter.worksheet.Worksheet, cells: int) -> None:
    """A plan of other people's: sections of labelled rows with units, months across, every row a formula of its own."""
    names = [xlsxwriter.utility.xl_col_to_name(c) for c in range(MONTHS + 3)]
    sheet.write_row(0, 0, ["Item", "Unit", "Start", *(f"M{n}" for n in range(1, MONTHS + 1))])
    at = 1
    for n in range(cells // (4 * MONTHS)):
        hours = [1000.0 + n]
        for _ in range(MONTHS):
            hours.append(hours[-1] * 1.01)
        prices = [2.0 + c * 0.01 for c in range(MONTHS + 1)]
        energy = [h * 0.0007 * (1 + n % 5) for h in hours]
        costs = [h * p for h, p in zip(hours, prices, strict=True)]
        totals = [c + e * 80 for c, e in zip(costs, energy, strict=True)]
        shares = [e * 80 / total for e, total in zip(energy, totals, strict=True)]
        for k, (label, unit, values, formula) in enumerate((
            ("GPU-hours", "GPU-h", hours, "={b}{0}*1.01"),
            ("Price per GPU-hour", "USD/GPU-h", prices, ""),
            ("Compute cost", "USD", costs, "={c}{0}*{c}{1}"),
            ("Energy", "MWh", energy, ""),
            ("Energy price", "USD/MWh", [80.0] * (MONTHS + 1), ""),
            ("Total cost", "USD", totals, "={c}{2}+{c}{3}*{c}{4}"),
            ("Share of energy", "share", shares, "={c}{3}*{c}{4}/{c}{5}"),
        )):  # fmt: skip
            sheet.write_string(at + k, 0, f"{label}, cluster {n + 1}")
            sheet.write_string(at + k, 1, unit)
            if not k:
                sheet.write_number(at, 2, hours[0])
            for c in range(1, MONTHS + 1):
                if formula:
                    text = formula.format(*range(at + 1, at + 7), b=names[c + 1], c=names[c + 2])
                    sheet.write_formula(at + k, c + 2, text, None, values[c])
                else:
                    sheet.write_number(at + k, c + 2, values[c])
        at += 7


def listed(sheet: xlsxwriter.worksheet.Worksheet, cells: int) -> None:
    """A list under headings with units: texts, typed figures and four formulas in each row."""
    heads = ["Project", "Provider", "GPU", "GPUs", "Hours", "Price ($/GPU-h)", "GPU-hours", "Cost (USD)"]
    sheet.write_row(0, 0, [*heads, "Cost (USD k)", "Cumulative cost (USD)"])
    total = 0.0
    for r in range(1, cells // 4 + 1):
        sheet.write_string(r, 0, f"Project {r}")
        sheet.write_string(r, 1, ("CoreWeave", "AWS", "Lambda")[r % 3])
        sheet.write_string(r, 2, ("H100", "A100", "H200")[r % 3])
        gpus, hours, price = float(8 * (1 + r % 9)), float(100 + r % 300), 2 + (r % 10) * 0.1
        for c, value in enumerate((gpus, hours, price), 3):
            sheet.write_number(r, c, value)
        cost = gpus * hours * price
        total += cost
        sheet.write_formula(r, 6, f"=D{r + 1}*E{r + 1}", None, gpus * hours)
        sheet.write_formula(r, 7, f"=G{r + 1}*F{r + 1}", None, cost)
        sheet.write_formula(r, 8, f"=H{r + 1}/1000", None, cost / 1000)
        sheet.write_formula(r, 9, f"=H{r + 1}+N(J{r})", None, total)


def distinct(sheet: xlsxwriter.worksheet.Worksheet, cells: int) -> None:
    """Formulas of which no two are copies, as a program writes them that knows no R1C1."""
    sheet.write_row(0, 0, [float(c) for c in range(1, 41)])
    for r in range(1, cells // 4 + 1):
        for c in range(4):
            a, b = (r * 7 + c) % 40, (r // 40 + 3 * c) % 40
            sheet.write_formula(r, c, f"=$A$1*{r}+INDEX($A$1:$AN$1,{a + 1})*{b}", None, float(r + (a + 1) * b))


SHAPES: dict[str, Callable[[xlsxwriter.worksheet.Worksheet, int], None]] = {
    "rows": rows, "across": across, "totals": totals, "plan": plan, "listed": listed, "distinct": distinct,
}  # fmt: skip


def write(path: Path, shape: str, cells: int) -> Path:
    """A workbook of a shape with about so many formulas, and one value stored wrong."""
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        SHAPES[shape](book.add_worksheet("Plan"), cells)
        book.add_worksheet("Fault").write_formula("A1", "=1+1", None, 3)
    return path


@dataclass
class Run:
    """What a process and its children took."""

    wall: float
    cpu: float
    megabytes: float
    out: str


def measured(*command: str) -> Run:
    """Run a process; memory is that of the largest process among it and its children."""
    started = time.perf_counter()
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, env=ENV, text=True) as child:
        assert child.stdout is not None
        out = child.stdout.read()
        _, _, used = os.wait4(child.pid, 0)
        child.returncode = 0
    return Run(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, out)


def ironcalc(path: Path) -> Run:
    done = measured("-c", IRONCALC, str(path))
    assert float(done.out) == 2, done.out
    return done


def audit(path: Path, *options: str) -> Run:
    done = measured("-m", "xl_econ", "audit", "--json", str(path), *options)
    found = json.loads(done.out)["findings"]
    places = [(f["sheet"], f["cell"], f["check"]) for f in found if f["severity"] == "error"]
    assert places == [("Fault", "A1", "stored-value")], places[:5]
    failed = [f for f in found if f["check"] == "not-recomputed" or f["message"].startswith("this check failed")]
    assert not failed, failed[:5]
    return done


def table(cells: list[int], rounds: int, folder: Path) -> bool:
    """Print the table of cells and shapes; whether time, memory and growth keep their goals."""
    ok = True
    print("    formulas shape     IronCalc s   audit s   ratio  noise   processor: IronCalc   audit   ratio     MB")
    for shape in SHAPES:
        took = []
        for count in cells if shape != "distinct" else [n for n in cells if n <= FEW]:
            path = write(folder / f"{shape}{count}.xlsx", shape, count)
            pairs = [(ironcalc(path), audit(path)) for _ in range(rounds if count <= FEW else 1)]
            theirs, ours = (median(p[n].wall for p in pairs) for n in (0, 1))
            cpu = [median(p[n].cpu for p in pairs) for n in (0, 1)]
            ratios = [b.wall / a.wall for a, b in pairs]
            ratio, most = median(ratios), max(b.megabytes for _, b in pairs)
            took.append(cpu[1])
            print(
                f"  {count:10,} {shape:8s} {theirs:11.2f} {ours:9.2f} {ratio:7.2f} {max(ratios) / min(ratios):6.2f} "
                f"{cpu[0]:21.2f} {cpu[1]:7.2f} {cpu[1] / cpu[0]:7.2f} {most:6.0f}",
                flush=True,
            )
            if count == FEW:
                ok &= judge(f"{shape}: audit over IronCalc", ratio, 2, at_most=True)
            ok &= most < MEGABYTES
            path.unlink()
        if len(took) > 1:
            ok &= judge(f"{shape}: growth over the last tenfold", took[-1] / took[-2], GROWTH, at_most=True)
    return ok


def page(folder: Path) -> bool:
    """The page of the plan: how long it takes, how large it is, how much memory."""
    path, target = write(folder / "page.xlsx", "plan", FEW), folder / "page.html"
    done = audit(path, "--html", str(target))
    size = target.stat().st_size / 1e6
    print(f"  page of {FEW:,} formulas: {done.wall:.1f} s, {size:.1f} MB, memory {done.megabytes:.0f} MB")
    return judge("page: memory in MB", done.megabytes, MEGABYTES, at_most=True)


def main(quick: bool = False) -> bool:
    cells, rounds = ([2_000], 1) if quick else ([10_000, FEW, 1_000_000], 3)
    print(f"audit: whole processes, median of {rounds} interleaved rounds (one at a million)")
    with tempfile.TemporaryDirectory() as name:
        ok = table(cells, rounds, Path(name))
        return ok if quick else page(Path(name)) and ok


if __name__ == "__main__":
    raise SystemExit(0 if main("--quick" in sys.argv) else 1)
