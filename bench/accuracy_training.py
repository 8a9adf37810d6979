"""GPU-hours that the metrics predict against the GPU-hours that were disclosed: how right the training figures are.

Two promises, each in the median of |predicted / disclosed - 1|:

- the run's MFU is known apart from its hours: at most 10%, with goodput 0.9;
- nothing is known but hardware and kind of model: at most 22%, with the table effective_mfu.

The table's medians come from the shipped table training_runs. So the second promise is measured three times: on those
runs, on each of them with the median of the others of its class, and on data/training_heldout.csv, runs that the table
is not made of. Nothing is timed, so a quick run only leaves out the line per run.
"""

from __future__ import annotations

import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from harness import judge

import xl_econ
from xl_econ.tables.read import load
from xl_econ.tables.store import TABLES

HELD_OUT = Path(__file__).parent / "data" / "training_heldout.csv"
GOODPUT = 0.9
GOODPUT_FROM = "Llama 3.1 405B"  # the run whose report the goodput is taken from
GLOBAL_MFU = 0.375
SEED_GPUS = 256  # the seed's row where a run does not say how many accelerators it had
KNOWN_GOAL, DEFAULT_GOAL = 10, 22

Run = Any  # a row of training_runs
Mfu = Callable[[Run], float]

# Why a run is out of domain, by what its own row says; the first that holds is the reason.
RULES: tuple[tuple[str, Callable[[Run], bool]], ...] = (
    ("no tokens or no hours disclosed", lambda r: r.tokens_t is None or r.gpu_hours is None),
    (
        "hours are a bound, a plan or a speculation",
        lambda r: _kind(r).startswith(("upper bound", "plan", "speculative")),
    ),
    (
        "hours derived from the throughput (circular)",
        lambda r: _kind(r).startswith("derived") and "circular" in _note(r),
    ),
    ("6ND does not describe the run", lambda r: "6ND" in _note(r)),
    ("hours cover more than one run", lambda r: "overstates one run" in _note(r)),
    ("no class for its hardware and kind", lambda r: class_of(r) is None),
)


def _kind(run: Run) -> str:
    return run.gpu_hours_kind or ""


def _note(run: Run) -> str:
    return run.note or ""


def shipped() -> list[Run]:
    return list(TABLES["training_runs"].shipped.values())


def held_out() -> list[Run]:
    return list(load(TABLES["training_runs"], HELD_OUT).values())


def out_of_domain(run: Run) -> str | None:
    """Why a run is not predicted; None when it is."""
    return next((reason for reason, holds in RULES if holds(run)), None)


def in_domain(runs: Iterable[Run]) -> list[Run]:
    return [r for r in runs if out_of_domain(r) is None]


def class_of(run: Run) -> str | None:
    """The row of effective_mfu that stands for a run."""
    kind = "MoE" if run.params_b < run.params_total_b else "dense"
    for row in TABLES["effective_mfu"].shipped.values():
        names = tuple(name.strip() for name in row.hardware.split(";"))
        if row.kind == kind and run.hardware.startswith(names):
            return str(row.run_class)
    return None


def flop(run: Run) -> float:
    return float(xl_econ.train_flop(run.params_b, run.tokens_t))


def delivered(run: Run) -> float:
    """Effective MFU: over all disclosed hours, so that goodput is in it."""
    return float(xl_econ.mfu(flop(run), run.gpu_hours, run.peak_tflops))


def stated_mfu(run: Run) -> float:
    """The disclosed MFU; an HFU without the recomputation that it counts."""
    is_hfu = (run.mfu_kind or "").startswith("HFU")
    return float(xl_econ.hfu_to_mfu(run.mfu)) if is_hfu else float(run.mfu)


def default_mfu(run: Run) -> float:
    return float(TABLES["effective_mfu"].shipped[class_of(run)].mid)


def seed_mfu(run: Run) -> float:
    return float(xl_econ.mfu_typical(run.gpus or SEED_GPUS, "mid"))


def global_mfu(run: Run) -> float:
    return GLOBAL_MFU


def others_mfu(runs: list[Run]) -> Mfu:
    """The median of the other runs of a run's class: what the table would say had it never seen the run."""
    known = [(r.model, class_of(r), delivered(r)) for r in runs]

    def mfu(run: Run) -> float:
        return statistics.median(e for model, c, e in known if c == class_of(run) and model != run.model)

    return mfu


def errors(runs: Iterable[Run], mfu: Mfu, goodput: float = 1.0) -> list[float]:
    """Predicted over disclosed hours, less 1."""
    return [float(xl_econ.gpu_hours(flop(r), r.peak_tflops, mfu(r), goodput)) / r.gpu_hours - 1 for r in runs]


def median(found: Iterable[float]) -> float:
    """Median of the errors without their sign, %."""
    return 100 * statistics.median(abs(e) for e in found)


def line(label: str, found: list[float]) -> str:
    """One row of the report."""
    size = sorted(abs(e) for e in found)
    p90 = statistics.quantiles(size, n=10, method="inclusive")[-1] if len(size) > 1 else size[0]
    near = sum(e <= 0.25 for e in size) / len(size)
    double = sum(0.5 <= 1 + e <= 2 for e in found) / len(size)
    signed = statistics.median(found)
    return (
        f"  {label:44s} {len(size):4d} {median(found):7.1f}% {100 * p90:7.1f}% {near:7.0%} {double:7.0%} {signed:+8.1%}"
    )


def table(title: str, rows: Iterable[tuple[str, list[float]]]) -> None:
    print(f" {title}\n  {'':44s} runs  median      p90  in 25%   in 2x   signed")
    for label, found in rows:
        print(line(label, found))


def by_class(runs: list[Run], mfu: Mfu) -> list[tuple[str, list[float]]]:
    """The errors by class, and by generation and by kind where that is more than one class."""
    rows = TABLES["effective_mfu"].shipped
    wider: dict[str, list[str]] = {}
    for name, row in rows.items():
        wider.setdefault(f"all {row.generation}", []).append(name)
        wider.setdefault(f"all {row.kind}", []).append(name)
    groups = {name: [name] for name in rows} | {name: part for name, part in wider.items() if len(part) > 1}
    found = [(name, [r for r in runs if class_of(r) in classes]) for name, classes in groups.items()]
    return [(f"  {name}", errors(members, mfu)) for name, members in found if members]


def exclusions(runs: list[Run], name: str) -> None:
    reasons = Counter(reason for r in runs if (reason := out_of_domain(r)))
    print(f" {name}: {len(runs)} runs, {len(in_domain(runs))} in domain, {sum(reasons.values())} excluded")
    for reason, count in reasons.items():
        print(f"  {count} {reason}: {', '.join(r.model for r in runs if out_of_domain(r) == reason)}")


def per_run(runs: list[Run], mfu: Mfu, goodput: float = 1.0) -> None:
    for run, error in zip(runs, errors(runs, mfu, goodput), strict=True):
        print(
            f"    {run.model:26s} {class_of(run):12s} MFU {mfu(run):.3f}, delivered {delivered(run):.3f} {error:+7.1%}"
        )


def beats(what: str, ours: list[float], runs: list[Run]) -> bool:
    """Print the naive contenders' errors over ours; both must be beaten."""
    met = judge(f"{what}: seed's table over ours", median(errors(runs, seed_mfu)) / median(ours), 1)
    return met & judge(f"{what}: one MFU of {GLOBAL_MFU} over ours", median(errors(runs, global_mfu)) / median(ours), 1)


def contenders(runs: list[Run]) -> list[tuple[str, list[float]]]:
    return [
        ("the seed's MFU table, goodput 1", errors(runs, seed_mfu)),
        (f"one MFU of {GLOBAL_MFU}, goodput 1", errors(runs, global_mfu)),
    ]


def known_mfu(quick: bool) -> bool:
    """The run's own MFU, where it is known apart from the hours."""
    runs = [r for r in in_domain(shipped()) if r.mfu_independent == "yes"]
    ours = errors(runs, stated_mfu, GOODPUT)
    naive = errors(runs, lambda r: r.mfu)
    others = [r for r in runs if r.model != GOODPUT_FROM]
    rows = [
        (f"stated MFU, goodput {GOODPUT}", ours),
        (f"  without {GOODPUT_FROM}", errors(others, stated_mfu, GOODPUT)),
        ("stated number as it stands, goodput 1", naive),
    ]
    table("MFU known apart from the hours", rows + contenders(runs))
    if not quick:
        per_run(runs, stated_mfu, GOODPUT)
    met = judge("MFU known: median error, %", median(ours), KNOWN_GOAL, at_most=True)
    met &= judge("MFU known: stated number as it stands over ours", median(naive) / median(ours), 1)
    return met & beats("MFU known", ours, runs)


def no_mfu(what: str, runs: list[Run], mfu: Mfu, quick: bool) -> bool:
    """Only hardware and kind of model are known."""
    ours = errors(runs, mfu)
    table(f"MFU unknown, {what}", [("effective_mfu, goodput in it", ours), *by_class(runs, mfu), *contenders(runs)])
    if not quick:
        per_run(runs, mfu)
    met = judge(f"{what}: median error, %", median(ours), DEFAULT_GOAL, at_most=True)
    return met & beats(what, ours, runs)


def main(quick: bool = False) -> bool:
    print("accuracy of training: GPU-hours predicted by train_flop and gpu_hours against those disclosed")
    exclusions(shipped(), "training_runs")
    exclusions(held_out(), HELD_OUT.name)
    fitted, unseen = in_domain(shipped()), in_domain(held_out())
    met = known_mfu(quick)
    met &= no_mfu("in sample", fitted, default_mfu, quick)
    met &= no_mfu("leave one run out", fitted, others_mfu(fitted), quick)
    met &= no_mfu("held out", unseen, default_mfu, quick)
    strangers = [r for r in unseen if r.developer not in {f.developer for f in fitted}]
    table("Held out, of developers that the fit has not seen", [("effective_mfu", errors(strangers, default_mfu))])
    return met


if __name__ == "__main__":
    raise SystemExit(0 if main("--quick" in sys.argv) else 1)
