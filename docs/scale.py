"""Writes docs/scale.md: what sweeps, mass fills and mass audits of any size cost, from measured rates.

`python docs/scale.py --measure` measures the rates on this machine and writes scale_rates.toml; without it the page is
made from the rates that stand there (`make generate`).
"""

from __future__ import annotations

import pickle
import platform
import resource
import sys
import tempfile
import time
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import xl_econ

HERE = Path(__file__).parent
RATES = HERE / "scale_rates.toml"
CASE = tomllib.loads(HERE.parent.joinpath("bench", "data", "uncertain_run.toml").read_text(encoding="utf-8"))
BUDGET = {"inputs": {k: v for k, v in CASE["inputs"].items() if k not in ("peak_tflops", "params_b")}}
DRAWS = (10**6, 10**8, 10**10, 10**12)
BOOKS = (10**3, 10**4, 10**5, 10**6)
CORES = (2, 64, 1000)
USD_PER_CORE_HOUR = 0.05
BUSY = 0.9  # share of the rented time in which a core works: starts, the last tasks, what fails


# -- measuring ------------------------------------------------------------------------------------------------------
def processor() -> float:
    """Processor time of this process and of those that it has started and that have ended."""
    return sum(sum(resource.getrusage(whose)[:2]) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def seconds(work, least: float = 1.5) -> float:
    """Processor time of one run of `work`, the best of several."""
    best, until = float("inf"), time.monotonic() + least
    while True:
        started = processor()
        work()
        best = min(best, processor() - started)
        if time.monotonic() > until:
            return best


def measure() -> dict[str, float | int | str]:
    """The rates of one core of this machine, and the sizes of what goes between processes."""
    from xl_econ.audit.run import audit
    from xl_econ.scenarios import run
    from xl_econ.scenarios.cases import study
    from xl_econ.templates import fill, layout
    from xl_econ.templates.compiled import Blank

    found: dict[str, float | int | str] = {
        "measured": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, one core, Python {platform.python_version()}",
    }
    for name, case, key in (("train_cost", CASE, "function"), ("training_budget", BUDGET, "template")):
        plan = run.plan(study(case, name), 64 * run.BLOCK * 40)
        task = run.Task(plan, 64, 128)
        run.work(task)
        found[f"{key}_draws_per_second"] = round(64 * run.BLOCK / seconds(lambda task=task: run.work(task)))
        found[f"{key}_task_bytes"] = len(pickle.dumps(task))
        found[f"{key}_part_bytes"] = len(pickle.dumps(run.work(task)))
    template = layout.load("training_budget")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.xlsx")
        started = time.process_time()
        blank = Blank(template)
        found["fill_start_seconds"] = round(time.process_time() - started, 2)
        cases = [fill.with_settings(fill.Case(f"c{n}"), [f"mfu={0.3 + n / 1000}"], template) for n in range(50)]
        found["fill_seconds"] = round(seconds(lambda: [blank.write(blank.calculator(c), path) for c in cases]) / 50, 5)
        found["workbook_bytes"] = path.stat().st_size
        found["workbook_formulas"] = sum(1 for _ in _formulas(path))
        found["audit_seconds"] = round(seconds(lambda: audit(path), 5), 3)
    return found


def _formulas(path: Path):
    from xl_econ.workbook.parts import Parts

    return Parts(path).formulas()


# -- the page -------------------------------------------------------------------------------------------------------
def usd(core_hours: float) -> float:
    """What so many hours of a core cost, by the functions that price an accelerator: a core is rented as one is."""
    rate = xl_econ.effective_rate(USD_PER_CORE_HOUR, BUSY)
    return float(xl_econ.fleet_cost(1, rate, max(core_hours, 1e-9) / 730))


def shown(value: float, digits: int = 2) -> str:
    """A figure with a few digits that count, as people write it."""
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.{digits}g}" if value else "0"


def span(hours: float) -> str:
    """A time in the unit in which it reads well."""
    for unit, size in (("days", 24), ("h", 1), ("min", 1 / 60), ("s", 1 / 3600)):
        if hours >= size:
            return f"{hours / size:.3g} {unit}"
    return "< 1 s"


def size(count: float) -> str:
    """Bytes in the unit in which they read well."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count:.0f} B"


def sweep_rows(r: dict, key: str):
    """A row for each number of draws."""
    from xl_econ.scenarios import run
    from xl_econ.scenarios.cases import study

    case = study(CASE if key == "function" else BUDGET, "train_cost" if key == "function" else "training_budget")
    for n in DRAWS:
        plan = run.plan(case, n)
        step = max(run._TASK_BLOCKS, plan.blocks // run._TASKS)
        tasks = -(-plan.blocks // step)
        hours = n / r[f"{key}_draws_per_second"] / 3600
        moved = tasks * (r[f"{key}_task_bytes"] + r[f"{key}_part_bytes"])
        times = [span(hours / BUSY / min(cores, tasks)) for cores in CORES]
        yield [f"{n:.0e}".replace("e+", "e"), f"{tasks:,}", size(moved), shown(hours), *times, f"{usd(hours):,.2f}"]


def book_rows(r: dict, each: float, start: float, per_book: float):
    """A row for each number of workbooks."""
    for n in BOOKS:
        hours = n * each / 3600
        times = [span((hours / min(cores, n) + start / 3600) / BUSY) for cores in CORES]
        yield [f"{n:,}", size(n * per_book), shown(hours), *times, f"{usd(hours):,.2f}"]


def grid(heads: list[str], rows) -> str:
    """A table of the page."""
    lines = ["| " + " | ".join(heads) + " |", "|" + " ---: |" * len(heads)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def page(r: dict) -> str:
    """The text of docs/scale.md."""
    cores = [f"on {c:,} cores" for c in CORES]
    swept = ["draws", "tasks", "moved", "core-hours", *cores, "USD"]
    books = ["workbooks", "written or read", "core-hours", *cores, "USD"]
    audited = r["audit_seconds"]
    return f"""# Scale on paper

What a sweep, a mass fill or a mass audit costs before it is run: work is the number of draws or workbooks times what
one of them takes a core, and nothing else grows. Made by docs/scale.py from rates that were measured on
{r["measured"]} ({r["machine"]}; processor time), so that other machines only need other rates:
`python docs/scale.py --measure`. Nothing beyond two cores was run; what stands below for more of them is arithmetic.

| rate | measured |
| --- | ---: |
| draws of TRAIN_COST a second and core, all seven inputs uncertain | {r["function_draws_per_second"]:,} |
| draws of the template training_budget, five inputs uncertain | {r["template_draws_per_second"]:,} |
| a task as it is sent, what comes back (function) | {r["function_task_bytes"]:,} B, {r["function_part_bytes"]:,} B |
| the same (template) | {r["template_task_bytes"]:,} B, {r["template_part_bytes"]:,} B |
| a workbook of training_budget filled ({r["workbook_formulas"]:,} formulas) | {r["fill_seconds"] * 1000:.3g} ms |
| the same audited | {audited:.3g} s |
| its size | {r["workbook_bytes"]:,} B |

Prices are by xl-econ's own functions: a core is rented as an accelerator is, so a core-hour at
{USD_PER_CORE_HOUR} USD (an example; put your own) of which {BUSY:.0%} is work is
`EFFECTIVE_RATE({USD_PER_CORE_HOUR}, {BUSY})`, and the bill `FLEET_COST(cores, rate, hours / 730)`.

## Sweeps

Of TRAIN_COST with every input uncertain:

{grid(swept, sweep_rows(r, "function"))}

Of the cost of a run in training_budget:

{grid(swept, sweep_rows(r, "template"))}

A worker holds a few blocks of 8,192 draws and the counts of its bins: {r["worker_megabytes"]:.0f} MB measured, whether
it draws a million or a hundred million. The process that gathers holds one set of counts more. What moves is tasks and
counts, never draws; the number of tasks is bounded, so that a scheduler with about a thousand tasks a second keeps up
with a thousand cores. The error of a quantile falls with the square root of the draws and the bins are 0.1% wide, so
that beyond some ten million draws only rare events (a chance of one in a million) still gain from more.

## Mass fills

{grid(books, book_rows(r, r["fill_seconds"], r["fill_start_seconds"], r["workbook_bytes"]))}

A process traces its template once ({r["fill_start_seconds"]:.2g} s) and then writes; a thousand cores write
{size(1000 * r["workbook_bytes"] / r["fill_seconds"])} a second, more than most shared drives take: give as many workers
as the drive can feed.

## Mass audits

{grid(books, book_rows(r, audited, 1.0, r["workbook_bytes"]))}

An audit reads the workbook and computes it anew in a second engine, in processes of its own with limits on memory and
time, so that a hostile file ends as one line of the report. What it takes grows with the formulas of the workbook.
"""


def main() -> None:
    """Write the page; with --measure the rates first."""
    if "--measure" in sys.argv:
        found = measure()
        kept = tomllib.loads(RATES.read_text(encoding="utf-8")) if RATES.exists() else {}
        found["worker_megabytes"] = kept.get("worker_megabytes", 71)  # bench/sweep.py
        lines = [f"{key} = {value!r}".replace("'", '"') for key, value in found.items()]
        RATES.write_text("# Measured by docs/scale.py; worker_megabytes by bench/sweep.py.\n" + "\n".join(lines) + "\n")
    HERE.joinpath("scale.md").write_text(page(tomllib.loads(RATES.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
