"""The command `sweep`: what comes out when the inputs are uncertain."""

from __future__ import annotations

import contextlib
import math
import re
import time
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import UsageError

from .printing import bar, print_grid, print_json, remark, rounded, tell_deaths

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from xl_econ.scenarios.plan import Plan
    from xl_econ.scenarios.run import Gathered, Part, Result

_SAVE_SECONDS = 30
_DIGITS = re.compile(r"\d+\.\d{6,}(?:e[+-]?\d+)?")  # of a number with more of them than help a reader


def sweep(args: argparse.Namespace) -> int:
    """Run the draws of a case file, and tell what they come to."""
    from xl_econ import engines
    from xl_econ.scenarios import plan as plans
    from xl_econ.scenarios import run
    from xl_econ.scenarios.cases import read

    _refuse(args)
    shares = [_share(text) for text in args.quantiles.split(",")] if args.quantiles else run.QUANTILES
    case = read(args.cases, args.name)
    plan = plans.plan(
        case, args.n, args.seed, args.method, args.result, args.budget, args.max_points, args.draws is not None
    )
    if args.dry_run:
        return _dry_run(args, plan)
    with contextlib.ExitStack() as opened:
        state = opened.enter_context(_state(args, plan))
        write = opened.enter_context(_draws(args, state.gathered))
        engine = opened.enter_context(engines.engine(args.engine, min(args.workers, plan.blocks)))
        shown = opened.enter_context(bar(total=plan.n, unit="draw", unit_scale=True, initial=state.gathered.done))

        def on_part(gathered: Gathered) -> None:
            state.keep()
            shown.update(gathered.done - shown.n)

        result = run.run(plan, engine, shares, write=write, on_part=on_part, gathered=state.gathered)
        tell_deaths(engine)
    if args.output:
        from xl_econ.scenarios.results_workbook import write as write_workbook

        write_workbook(result, args.output, args.force)
    if args.png:
        from xl_econ.scenarios.pictures import sweep_png

        sweep_png(result, args.png)
    if args.json:
        return print_json(result.as_json())
    _print(args, result)
    return 0


def _refuse(args: argparse.Namespace) -> None:
    """Say before any work what cannot be done."""
    from xl_econ.scenarios.draws_file import refuse

    from .files import free, free_for_picture

    files = [path.absolute() for path in (args.draws, args.state, args.output, args.png) if path]
    if len({*files}) < len(files):
        raise UsageError("--draws, --state, -o and --png: each needs a file of its own")
    if args.output and args.output.suffix.lower() != ".xlsx":
        raise UsageError(f"-o {args.output}: a workbook's name ends with .xlsx")
    if args.draws:
        refuse(args.draws)
        free(args.draws, args.force)
    if args.png:
        free_for_picture(args.png, args.force)
    if args.output:
        from xl_econ.workbook.write import check_target

        check_target(args.output, args.force)
    if args.resume and not args.state:
        raise UsageError("--resume goes on from a state; name its file (--state F)")
    if args.state:
        free(args.state, args.force or args.resume)


def _share(text: str) -> float:
    """The share that p10, 10% or 0.1 says."""
    from xl_econ.core.quantity import number_from_text

    body = text.strip()
    found = number_from_text(f"{body[1:]}%" if body[:1] in ("p", "P") else body)
    if isinstance(found, str) or not 0 < found < 1:
        raise UsageError(f"--quantiles {text}: expected p10, 10% or 0.1, more of them with commas between")
    return float(found)


class _State:
    """What is gathered, and the file that keeps it."""

    def __init__(self, path: Path | None, gathered: Gathered) -> None:
        self.path, self.gathered = path, gathered
        self.kept = gathered.done
        self._saved = time.monotonic()

    def keep(self, now: bool = False) -> None:
        """Write what is gathered, from time to time or now."""
        from xl_econ.scenarios.state import save

        if self.path and (now or time.monotonic() - self._saved > _SAVE_SECONDS):
            save(self.path, self.gathered)
            self.kept = self.gathered.done
            self._saved = time.monotonic()


@contextlib.contextmanager
def _state(args: argparse.Namespace, plan: Plan) -> Iterator[_State]:
    """The state of the sweep; what interrupts it leaves the file, its end removes it."""
    from xl_econ.scenarios.run import Gathered
    from xl_econ.scenarios.state import load

    known = args.resume and args.state.exists()
    state = _State(args.state, load(args.state, plan) if known else Gathered.nothing(plan))
    try:
        yield state
    except BaseException:
        if state.gathered.stop and not state.gathered.taking:
            state.keep(now=True)
        if state.path and state.kept:
            remark(f"{state.path}: {state.kept:,} of {plan.n:,} draws; --resume goes on from there")
        raise
    if state.path:
        state.path.unlink(missing_ok=True)


@contextlib.contextmanager
def _draws(args: argparse.Namespace, gathered: Gathered) -> Iterator[Callable[[Part], object]]:
    """What writes the draws: one file from end to end, or, where a state can be gone on from, a file a part."""
    from xl_econ.scenarios import draws_file, draws_parts

    if not args.draws:
        yield lambda _part: None
    elif args.state:
        with draws_parts.writing(args.draws, gathered) as write_part:
            yield write_part
    else:
        with draws_file.writing(args.draws) as write:
            yield lambda part: write(part.columns)


def _dry_run(args: argparse.Namespace, plan: Plan) -> int:
    """What would run, how large it is, and how long the first block of it takes."""
    from xl_econ.scenarios.run import Task, work

    work(Task(plan, 0, 1))
    started = time.perf_counter()
    work(Task(plan, 0, 1))
    seconds = (time.perf_counter() - started) * plan.blocks / max(args.workers, 1)
    varied = dict(plan.study.varied)
    columns = len(varied) + len(plan.outputs)
    found: dict[str, Any] = {
        "target": plan.study.target,
        "method": plan.method,
        "n": plan.n,
        "seed": None if plan.method == "grid" else plan.seed,
        "varied": {key: _said(d) for key, d in varied.items()},
        "outputs": list(plan.outputs),
        "engine": args.engine,
        "workers": args.workers,
        "seconds": seconds,
        "kept_bytes": 8 * plan.n * len(plan.outputs) if plan.exact else 0,
        "draws_bytes": _draws_bytes(args.draws, plan.n * columns),
        "remarks": plan.study.remarks,
    }
    if args.json:
        return print_json(found)
    said = [("draws", f"{plan.n:,} ({plan.drawn})"), ("about", _lasting(seconds))]
    said += [("varies", f"{key}: {text}") for key, text in found["varied"].items()]
    if args.draws:
        said.append(("file", f"about {found['draws_bytes'] / 1e6:,.1f} MB"))
    print_grid([*said, *(("note", text) for text in found["remarks"])], 120)
    return 0


def _lasting(seconds: float) -> str:
    """A time as people say it: 4.2 s, 3.1 hours."""
    for size, unit in ((365.25 * 86400, "years"), (86400, "days"), (3600, "hours"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.1f} s"


def _said(d: Any) -> str:
    """A distribution in words; of many values how many."""
    return f"{len(d.values):,} values" if not d.continuous else _DIGITS.sub(lambda m: f"{float(m[0]):.6g}", str(d))


def _draws_bytes(path: Path | None, numbers: int) -> int:
    from xl_econ.scenarios.draws_file import BYTES

    return BYTES[path.suffix.lower()] * numbers if path else 0


def _figure(value: float) -> Any:
    """A figure as the report shows it; none of what does not exist, as the deviation of one draw."""
    return "" if math.isnan(value) else rounded(value)


def _brief(value: float) -> str:
    """A figure of which the size is all that counts."""
    return f"{float(f'{value:.3g}'):,.10g}"


def _print(args: argparse.Namespace, result: Result) -> None:
    """The report on a terminal."""
    from xl_econ.scenarios.run import label

    plan = result.plan
    what = plan.study.compute()
    for key in plan.outputs:
        output = what.outputs[key]
        s = result.sketches[key]
        unit = "" if output.unit == "1" else output.unit
        print(f"{output.label}, {plan.n:,} draws ({plan.drawn})")
        if not s.n:
            print("  no draw has a finite result")
            continue
        quantiles = zip(map(label, result.shares), result.quantiles(key, result.shares), strict=True)
        rows = [("mean", s.mean), ("sd", s.sd), ("min", s.low), *quantiles, ("max", s.high)]
        errors = {name: f"+/- {_brief(e)}" for name, e in result.errors(key).items() if e is not None}
        print_grid(
            [
                [f"  {name.upper() if name[0] == 'p' else name}", _figure(v), unit, errors.get(name, "")]
                for name, v in rows
            ]
        )
        if s.without:
            print(f"  {s.without:,} draws have no finite result and are not in these numbers")
        for found in result.exceedance() if key == plan.outputs[0] else ():
            print(f"  P(above {found['budget']:,.10g}) = {found['probability']:.4%}")
        if errors:
            print("  +/-: standard errors")
    for text in plan.study.remarks:
        remark(text)
    for path in filter(None, (args.draws, args.output, args.png)):
        print(path)
