"""The commands about workbooks: `new`, `fill`, `recalc`, and `version`, which names the engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xl_econ import __version__
from xl_econ.core.errors import UsageError

from .printing import print_grid, print_json, progress, rounded, tell_deaths

if TYPE_CHECKING:
    import argparse

    from xl_econ.templates.fill import Case
    from xl_econ.templates.layout import Layout


def new(args: argparse.Namespace) -> int:
    """A template's workbook, or which templates there are."""
    from xl_econ.templates import layout
    from xl_econ.templates.fill import Case

    if args.template is None:
        found = [(x.name, x.version, x.about) for x in map(layout.load, layout.names())]
        if args.json:
            return print_json([dict(zip(("template", "version", "about"), x, strict=True)) for x in found])
        print_grid(found, 120)
        return 0
    template = layout.load(args.template)
    return _write(args, template, [Case(template.name)])


def fill(args: argparse.Namespace) -> int:
    """Workbooks of a template filled from a case file and settings."""
    from xl_econ.templates import fill, layout
    from xl_econ.templates.edited import is_workbook

    if args.input is None and not args.set and not args.results_from:
        raise UsageError("fill needs a case file (-i CASE), a setting (--set K=V) or results (--from F)")
    if is_workbook(args.template):
        if args.results_from:
            raise UsageError("--from is for templates; fill the template anew, or give its results by --set")
        from . import edited

        return edited.fill(args)
    template = layout.load(args.template)
    if args.together:
        return _together(args, template)
    cases = fill.read(args.input, template) if args.input else [fill.Case(template.name)]
    cases = [fill.with_settings(c, args.set, template) for c in cases]
    if args.results_from:
        from xl_econ.templates.carried import carried

        cases = [carried(template, c, args.results_from) for c in cases]
    return _write(args, template, cases)


def _together(args: argparse.Namespace, template: Layout) -> int:
    """All cases of a file in one workbook."""
    from xl_econ.templates import fill
    from xl_econ.templates.together import together

    if args.input is None:
        raise UsageError("--together needs a case file (-i CASE)")
    if args.results_from:
        raise UsageError("--from carries a Base, Low and High case over; --together has cases of its own")
    if args.resume or args.jobs != 1 or args.engine != "local":
        raise UsageError("--resume, --jobs and --engine are for many workbooks; --together writes one")
    case = together(fill.read(args.input, template, named=True), template, args.input.stem)
    return _write(args, template, [fill.with_settings(case, args.set, template)])


def _write(args: argparse.Namespace, template: Layout, cases: list[Case]) -> int:
    from xl_econ import engines
    from xl_econ.templates import batch, many

    dry = getattr(args, "dry_run", False)
    if args.output is None and not dry:
        raise UsageError("where to? name a workbook or a folder (-o F|DIR)")
    source = args.input.name if getattr(args, "input", None) else ""
    source += " with --set" if source and args.set else ""
    output = None if dry else args.output
    count, resume = getattr(args, "jobs", 1), getattr(args, "resume", False)
    if count < 1:
        raise UsageError(f"--jobs {count}: must be at least 1")
    engine = getattr(args, "engine", "local")
    if len(cases) >= many.MANY or resume or engine != "local":
        run = many.Run(template, args.flavour, args.force)
        tasks = run.prepare(cases, output, source, resume)
        with engines.engine(engine, min(count, len(tasks))) as where:
            reports = list(progress(run.write(tasks, where), len(tasks)))
            tell_deaths(where)
    else:
        jobs = batch.prepare(template, cases, output, source, args.force)
        reports = [batch.write(job, args.flavour, args.force) for job in progress(jobs, len(jobs))]
    if args.json:
        return print_json(reports if len(reports) > 1 else reports[0])
    for report in reports:
        print(f"{report['output'] or 'not written (dry run)'}{' holds this case already' if 'held' in report else ''}")
        print_grid([[f"  {r['label']}", rounded(r["value"]), r["unit"]] for r in report["results"].values()])
        print(f"  {report['checks']}")
        for flag in report["flags"]:
            if flag["severity"] == "check":
                print(f"    {flag['check']}: {', '.join(flag['cases'])}")
        if report["own"] and args.command == "fill":
            print(f"  the template's own: {', '.join(report['own'])}")
    return 0


def recalc(args: argparse.Namespace) -> int:
    """Where the stored values of a workbook differ from a recalculation."""
    from xl_econ.workbook.read import formulas
    from xl_econ.workbook.recalc import differences, recalculate

    if not args.tolerance >= 0:
        raise UsageError(f"--tolerance {args.tolerance:g}: must be at least 0")
    if args.write:
        from . import edited

        return edited.refresh(args)
    stored = formulas(args.workbook)
    found = list(differences(stored, recalculate(args.workbook, args.engine), args.tolerance))
    if args.json:
        listed = [d._asdict() for d in found]
        print_json({"file": str(args.workbook), "engine": args.engine, "formulas": len(stored), "differences": listed})
        return 1 if found else 0
    if found and all(f.stored is None for f in stored.values()):
        print(f"{args.workbook}: none of its {len(stored)} formulas has a stored value; open and save it in Excel once")
        return 1
    for d in found[:20]:
        print(f"{d.sheet}!{d.cell}: stored {d.stored!r}, {args.engine} computes {d.computed!r}  {d.formula[:60]}")
    more = f" ({len(found) - 20} more not shown)" if len(found) > 20 else ""
    print(f"{args.workbook}: {len(stored) - len(found)} of {len(stored)} formulas agree with {args.engine}{more}")
    return 1 if found else 0


def version(args: argparse.Namespace) -> int:
    """Versions of xl-econ, Python and the engines."""
    from importlib.metadata import version
    from platform import python_version

    from xl_econ.workbook.recalc import libreoffice

    found = {
        "xl-econ": __version__,
        "python": python_version(),
        "ironcalc": version("ironcalc"),
        "libreoffice": libreoffice() or "not installed",
    }
    if args.json:
        return print_json(found)
    print_grid([[k, v] for k, v in found.items()])
    return 0
