"""The command line: parse, call, print. Imports stand inside the commands, so that `--help` starts at once."""

from __future__ import annotations

import argparse
import os
import sys

from xl_econ import __version__
from xl_econ.core.errors import InputError, UsageError, WorkbookError, XlEconError, nearest

TYPE_CHECKING = False  # typing, pathlib and json would double the time to --help
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any, NoReturn

    from xl_econ.tables.store import Table
    from xl_econ.templates.fill import Case
    from xl_econ.templates.layout import Layout

INTERNAL_ERROR = 70
_EXIT_CODES = "exit codes: 0 ok, 1 findings, 2 usage, 3 bad input, 4 workbook unreadable or not writable"


class _Parser(argparse.ArgumentParser):
    """An error is one line, with the nearest command or option; help has one width, whatever the terminal."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(formatter_class=lambda prog: argparse.HelpFormatter(prog, width=100), **kwargs)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            hint = nearest(str(value), action.choices) or f"; there are {', '.join(action.choices)}"
            raise UsageError(f"no {action.metavar or action.dest} {value!r}{hint}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        The exit code.
    """
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show stops nothing
    try:
        args = _parser().parse_args(argv)
        code: int = args.run(args)
        sys.stdout.flush()
    except XlEconError as e:
        print(f"xl-econ: {e}", file=sys.stderr)
        return e.exit_code
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as e:
        print(f"xl-econ: cannot be read or written: {e.strerror or e}", file=sys.stderr)
        return WorkbookError.exit_code
    except KeyboardInterrupt:
        print("xl-econ: interrupted", file=sys.stderr)
        return 130
    except Exception as e:
        if os.environ.get("XL_ECON_TRACEBACK"):
            raise
        print(f"xl-econ: internal error: {type(e).__name__}: {e} (XL_ECON_TRACEBACK=1 shows where)", file=sys.stderr)
        return INTERNAL_ERROR
    return code


def _parser() -> _Parser:
    parser = _Parser(prog="xl-econ", description="AI compute economics in Excel, headless.", epilog=_EXIT_CODES)
    commands = parser.add_subparsers(metavar="command", dest="command", required=True)

    def command(name: str, run: Any, help_text: str, reads: bool = True, tables: bool = False) -> _Parser:
        sub: _Parser = commands.add_parser(name, help=help_text, description=help_text)
        sub.set_defaults(run=_with_rate_card(run) if tables else run)
        if tables:
            sub.add_argument(
                "--rate-card", type=_path, metavar="F", help="read its tables (else XL_ECON_RATE_CARD's, else shipped)"
            )
        if reads:
            sub.add_argument("--json", action="store_true", help="one JSON object, numbers unrounded")
        return sub

    command("list", _list, "the functions")
    command("show", _show, "a function: arguments, definition, source, LAMBDA").add_argument("name", metavar="NAME")
    for name, run, text in (
        ("calc", _calc, "compute a function"),
        ("explain", _explain, "compute a function step by step"),
    ):
        sub = command(name, run, text, tables=True)
        sub.add_argument("name", metavar="NAME")
        sub.add_argument("arguments", metavar="k=v", nargs="*", help="arguments by name or in order: mfu=41%%")
    sub = command("tables", _tables, "the reference tables, or the rows of one", tables=True)
    sub.add_argument("table", metavar="NAME", nargs="?", help="a table, or refresh and then api_prices")
    sub.add_argument("refreshed", metavar="TABLE", nargs="?", help="refresh: the table, from the package genai-prices")
    sub.add_argument("--conflicts", action="store_true", help="prices of one offer that lie far apart (exit code 1)")
    sub.add_argument("--older-than", type=int, metavar="DAYS", help="rows whose figures are older (exit code 1)")
    sub.add_argument("--all-models", action="store_true", help="refresh: add its providers' other models")
    sub.add_argument("-o", "--output", type=_path, metavar="F", help="refresh: write a rate card with the new prices")
    sub.add_argument("--csv", type=_path, metavar="F", help="refresh: write the new table")
    sub.add_argument("--force", action="store_true", help="refresh: replace a file that is there")
    sub = command("new", _new, "a template workbook with its own inputs, or rate_card: all tables to edit", tables=True)
    sub.add_argument("template", metavar="TEMPLATE", nargs="?", help="without it: the templates")
    _output(sub, required=False)
    sub = command("fill", _fill, "a template workbook filled from a case file", tables=True)
    sub.add_argument("template", metavar="TEMPLATE")
    sub.add_argument("-i", "--input", type=_path, metavar="CASE", help="TOML, YAML, JSON or CSV (a row a workbook)")
    sub.add_argument(
        "--set", action="append", default=[], metavar="K=V", help="an input on top: mfu=0.41, Low.mfu=0.43"
    )
    sub.add_argument("--dry-run", action="store_true", help="check and compute, write nothing")
    _output(sub, required=False)
    sub = command("recalc", _recalc, "compare the stored values of a workbook with a recalculation")
    sub.add_argument("workbook", type=_path, metavar="F")
    sub.add_argument("--engine", choices=("ironcalc", "libreoffice"), default="ironcalc", metavar="engine")
    sub.add_argument("--tolerance", type=float, default=1e-12, help="relative, for numbers (default 1e-12)")
    sub = command("docs", _docs, "write the reference pages of functions and tables", reads=False)
    sub.add_argument("-o", "--output", type=_path, default="docs", metavar="DIR")
    command("version", _version, "versions of xl-econ and of the engines")
    parser.add_argument("--version", action="version", version=f"xl-econ {__version__}")
    return parser


def _with_rate_card(run: Any) -> Any:
    """A command that reads the reference tables, with the rate card that its option names."""

    def within(args: argparse.Namespace) -> int:
        from xl_econ.workbook import rate_card

        with rate_card.using(args.rate_card):
            code: int = run(args)
        return code

    return within


def _output(sub: _Parser, required: bool) -> None:
    sub.add_argument("-o", "--output", type=_path, metavar="F|DIR", required=required, help="the workbook, or a folder")
    sub.add_argument("--force", action="store_true", help="replace a workbook that somebody has edited")
    sub.add_argument(
        "--flavour",
        choices=("plain", "lambda"),
        default="plain",
        metavar="flavour",
        help="plain (Excel 2016+, LibreOffice) or lambda (named functions, Excel 365)",
    )


# -- printing ---------------------------------------------------------------------------------------------------
def _path(text: str) -> Path:
    from pathlib import Path

    return Path(text)


def _json(found: Any) -> int:
    import json

    print(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
    return 0


def _grid(rows: Sequence[Sequence[Any]], widest: int = 60) -> None:
    """Print rows in columns."""
    print("\n".join(_lines(rows, widest)))


def _lines(rows: Sequence[Sequence[Any]], widest: int = 60) -> list[str]:
    """Rows in columns; numbers to the right."""
    texts = [[_text(c, widest) for c in row] for row in rows]
    widths = [max(len(row[n]) for row in texts) for n in range(len(texts[0]))]
    lines = []
    for row, line in zip(rows, texts, strict=True):
        cells = (t.rjust(w) if isinstance(v, float) else t.ljust(w) for v, t, w in zip(row, line, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
    return lines


def _text(value: Any, widest: int) -> str:
    if value is None:
        return ""
    text = f"{value:,.10g}" if isinstance(value, float) and abs(value) < 1e15 else str(value)
    return text if len(text) <= widest else text[: widest - 3] + "..."


# -- functions --------------------------------------------------------------------------------------------------
def _list(args: argparse.Namespace) -> int:
    from xl_econ.metrics import REGISTRY

    if args.json:
        return _json(
            [
                {"function": m.name, "section": m.section, "unit": m.unit, "summary": m.doc.summary}
                for m in REGISTRY.values()
            ]
        )
    _grid([[m.name, m.unit, m.doc.summary] for m in sorted(REGISTRY.values(), key=lambda m: m.section)], 90)
    return 0


def _show(args: argparse.Namespace) -> int:
    from xl_econ.core.expr import steps
    from xl_econ.core.registry import default_text
    from xl_econ.metrics import get
    from xl_econ.printers import markdown
    from xl_econ.printers.excel import lambda_
    from xl_econ.templates.layout import names

    templates = names()
    if args.name in templates:
        return _show_template(args)
    try:
        m = get(args.name)
    except UsageError as e:
        raise UsageError(f"{e}{nearest(args.name, templates)} (xl-econ list names them)") from None
    definition = {str(e.name) if e is not m.tree else m.name: markdown.text(e, top=e) for e in steps(m.tree)}
    if args.json:
        return _json(
            {
                "function": m.name,
                "signature": m.signature,
                "unit": m.unit,
                "summary": m.doc.summary,
                "arguments": [
                    {
                        "name": p.name,
                        "unit": p.quantity.unit,
                        "default": default_text(p) if p.optional else None,
                        "help": p.help,
                    }
                    for p in m.params.values()
                ],
                "definition": definition,
                "lambda": "=" + lambda_(m),
                "source": m.doc.sections.get("Source", ""),
            }
        )
    print(f"{m.signature}  gives {m.unit}\n\n{m.doc.summary}\n\n{m.doc.description}".rstrip() + "\n")
    _grid([[p.name, p.quantity.unit, p.quantity.range, p.help] for p in m.params.values()], 100)
    print()
    _grid([[name, "=", text] for name, text in definition.items()], 110)
    print(f"\nSource: {m.doc.sections.get('Source', '')}\n\nLAMBDA for the Name Manager (Excel 365):\n={lambda_(m)}")
    return 0


def _show_template(args: argparse.Namespace) -> int:
    from xl_econ.templates import layout

    found = layout.load(args.name)
    rows = [
        [i.key, i.kind.unit, i.kind.range, *(str(i.value(c)) for c in layout.CASES), i.label]
        for g in found.inputs
        for i in g.inputs
    ]
    if args.json:
        keys = ("key", "unit", "allowed", *layout.CASES, "label")
        return _json({"template": found.name, "inputs": [dict(zip(keys, r, strict=True)) for r in rows]})
    print(f"{found.title}: {found.about}\n")
    _grid([["input", "unit", "allowed", *layout.CASES, "label"], *rows], 60)
    return 0


def _arguments(words: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    from xl_econ.core.quantity import number_from_text

    positional: list[Any] = []
    named: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            if named:
                raise UsageError(f"{word!r} stands after a named argument; name it too")
            positional.append(number_from_text(word))
        elif key in named:
            raise InputError(f"argument {key!r} given twice")
        else:
            named[key] = number_from_text(text)
    return positional, named


def _calculate(args: argparse.Namespace) -> dict[str, Any]:
    from xl_econ.hosts.explain import explain
    from xl_econ.metrics import get

    m = get(args.name)
    positional, named = _arguments(args.arguments)
    bound = m.bind(tuple(positional), named)
    given = {k: v for k, v in bound.items() if k in named or k in list(m.params)[: len(positional)]}
    found = explain(m, given)
    inputs = [s for s in found if s.kind in ("input", "default")]
    lines, lookups = (
        [{"name": s.name, "formula": s.formula, "value": s.value, "unit": s.unit} for s in found if s.kind in kinds]
        for kinds in (("step", "result"), ("lookup",))
    )
    value, unit = found[-1].value, found[-1].unit
    return {
        "function": m.name,
        "inputs": {s.name: s.value for s in inputs},
        "value": value,
        "unit": unit,
        **({"band": {"factor": m.band, "low": value / m.band, "high": value * m.band}} if m.band > 1 else {}),
        "steps": lines,
        **({"lookups": lookups} if lookups else {}),
        "explained": found,
    }


def _calc(args: argparse.Namespace) -> int:
    found = _calculate(args)
    if args.json:
        return _json({k: v for k, v in found.items() if k != "explained"})
    value = found["value"]
    print(f"{_number(value)} {'' if found['unit'] in ('any', 'text') else found['unit']}".rstrip())
    if band := found.get("band"):
        low, high = (f"{band[end]:,.4g}" for end in ("low", "high"))
        print(f"{low} to {high} in nine of ten measured deployments (x or / {band['factor']:g})")
    return 0


def _number(value: Any) -> Any:
    if isinstance(value, float) and 1e-3 < abs(value) < 1e15:
        return f"{value:,.6f}".rstrip("0").rstrip(".")
    return value


def _explain(args: argparse.Namespace) -> int:
    found = _calculate(args)
    if args.json:
        return _json({k: v for k, v in found.items() if k != "explained"})
    _grid(
        [["step", "value", "unit", "formula or meaning"]]
        + [[s.name, s.value, s.unit, s.formula] for s in found["explained"]],
        100,
    )
    return 0


# -- tables -----------------------------------------------------------------------------------------------------
def _tables(args: argparse.Namespace) -> int:
    from xl_econ.tables import store
    from xl_econ.workbook import rate_card

    if args.table == "refresh":
        return _refresh(args)
    if args.refreshed or args.all_models or args.output or args.csv or args.force:
        raise UsageError("a second name, --all-models, -o, --csv and --force go with: tables refresh NAME")
    if args.conflicts or args.older_than is not None:
        return _findings(args)
    card, held = rate_card.current(), rate_card.held()
    origin = {name: card.name if card and t in held else "shipped" for name, t in store.TABLES.items()}
    if args.table is None:
        tables = store.TABLES.values()
        if args.json:
            keys = ("table", "about", "rows", "key", "from")
            found = [(t.name, t.about, len(t.rows), t.key, origin[t.name]) for t in tables]
            return _json([dict(zip(keys, line, strict=True)) for line in found])
        _grid(
            [["table", "rows", "from", "what"]]
            + [[t.name, float(len(t.rows)), origin[t.name], t.about] for t in tables],
            90,
        )
        return 0
    t = store.get(args.table)
    if args.json:
        units = {c: t.unit(c) for c in t.columns}
        return _json(
            {"table": t.name, "from": origin[t.name], "units": units, "rows": [r.model_dump() for r in t.rows.values()]}
        )
    if t.name == "seed_claims":
        return _claims(t)
    shown = [c for c in t.columns if c not in ("note", "source")]
    _grid([shown] + [[getattr(r, c) for c in shown] for r in t.rows.values()], 28)
    print(f"{len(t.rows)} rows, {origin[t.name]}; notes and sources: --json")
    return 0


def _refresh(args: argparse.Namespace) -> int:
    from xl_econ.commands import refresh

    if args.conflicts or args.older_than is not None:
        raise UsageError("--conflicts and --older-than ask about a table; refresh does not take them")
    found = refresh.run(args.refreshed, args.all_models)
    written = refresh.write(found, args.output, args.csv, args.force)
    if args.json:
        _json(refresh.as_json(found, written))
    else:
        for lines in refresh.as_grids(found):
            _grid(lines)
        print(refresh.summary(found, written))
    return 1 if found.is_change and not written else 0


def _findings(args: argparse.Namespace) -> int:
    from xl_econ.commands import tables
    from xl_econ.tables import store

    if args.table is None:
        raise UsageError("--conflicts and --older-than ask about one table: name it")
    t = store.get(args.table)
    found = tables.findings(t, args.conflicts, args.older_than)
    if args.json:
        _json(tables.as_json(t, found))
    else:
        for lines in tables.as_grids(found):
            _grid(lines)
        print(tables.summary(t, found))
    return 1 if any(found.values()) else 0


def _claims(t: Table) -> int:
    """Each claim of the seed in one line, and under it what it was checked for and why it stands or falls."""
    from collections import Counter

    from xl_econ.hosts.claims import claimed

    rows: list[Any] = list(t.rows.values())
    lines = _lines(
        [["verdict", "claim_id", "claim", "claimed", "computed", "unit"]]
        + [[r.verdict, r.claim_id, r.claim, claimed(r), float(f"{r.computed:.6g}"), r.unit] for r in rows],
        42,
    )
    indent = " " * lines[0].index("claim_id")
    print(lines[0])
    for r, line in zip(rows, lines[1:], strict=True):
        print(f"{line}\n{indent}{r.quantity}: {r.note}")
    counts = Counter(r.verdict for r in rows)
    print(f"{len(rows)} claims: {', '.join(f'{n} {v}' for v, n in counts.most_common())}; formulas and sources: --json")
    return 0


# -- workbooks --------------------------------------------------------------------------------------------------
def _new(args: argparse.Namespace) -> int:
    from xl_econ.templates import layout, rate_card
    from xl_econ.templates.fill import Case

    if args.template is None:
        found = [(x.name, x.version, x.about) for x in map(layout.load, layout.names())]
        found.append((rate_card.NAME, __version__, rate_card.ABOUT))
        if args.json:
            return _json([dict(zip(("template", "version", "about"), x, strict=True)) for x in found])
        _grid(found, 120)
        return 0
    if args.template.replace("-", "_") == rate_card.NAME:
        return _new_rate_card(args)
    return _write(args, layout.load(args.template), [Case(args.template)])


def _new_rate_card(args: argparse.Namespace) -> int:
    from xl_econ.tables import store
    from xl_econ.templates import batch, rate_card
    from xl_econ.templates.fill import Case

    if args.output is None:
        raise UsageError("where to? name a workbook or a folder (-o F|DIR)")
    if args.flavour != "plain":
        raise UsageError(f"{rate_card.NAME} has no formulas, so no flavour {args.flavour!r}")
    [path] = batch.targets(args.output, [Case(rate_card.NAME)])
    rate_card.build(path, args.force)
    rows = {t.name: len(t.rows) for t in store.RATE_CARD.values()}
    if args.json:
        return _json({"template": rate_card.NAME, "output": str(path), "rows": rows})
    print(path)
    _grid([[f"  {name}", float(n), "rows"] for name, n in rows.items()])
    return 0


def _fill(args: argparse.Namespace) -> int:
    from xl_econ.templates import fill, layout

    if args.input is None and not args.set:
        raise UsageError("fill needs a case file (-i CASE) or a setting (--set K=V)")
    template = layout.load(args.template)
    cases = fill.read(args.input, template) if args.input else [fill.Case(template.name)]
    return _write(args, template, [fill.with_settings(c, args.set, template) for c in cases])


def _write(args: argparse.Namespace, template: Layout, cases: list[Case]) -> int:
    from xl_econ.templates import batch

    dry = getattr(args, "dry_run", False)
    if args.output is None and not dry:
        raise UsageError("where to? name a workbook or a folder (-o F|DIR)")
    source = args.input.name if getattr(args, "input", None) else ""
    jobs = batch.prepare(template, cases, None if dry else args.output, source, args.force)
    reports = [batch.write(job, args.flavour, args.force) for job in _progress(jobs)]
    if args.json:
        return _json(reports if len(reports) > 1 else reports[0])
    for report in reports:
        print(report["output"] or "not written (dry run)")
        _grid([[f"  {r['label']}", _rounded(r["value"]), r["unit"]] for r in report["results"].values()])
        print(f"  {report['checks']}")
        for flag in report["flags"]:
            if flag["severity"] == "check":
                print(f"    {flag['check']}: {', '.join(flag['cases'])}")
        if report["own"] and args.command == "fill":
            print(f"  the template's own: {', '.join(report['own'])}")
    return 0


def _rounded(value: float) -> float:
    """A result as it is read on a terminal; the workbook and --json hold all digits."""
    return round(value) * 1.0 if abs(value) >= 1000 else float(f"{value:.4g}")


def _progress(items: list[Any]) -> Any:
    """A progress bar on a terminal, for work on more than one workbook."""
    if len(items) < 2 or not sys.stderr.isatty():
        return items
    from tqdm import tqdm

    return tqdm(items, unit="workbook", file=sys.stderr, leave=False)


def _recalc(args: argparse.Namespace) -> int:
    from xl_econ.workbook.read import formulas
    from xl_econ.workbook.recalc import differences, recalculate

    if not args.tolerance >= 0:
        raise UsageError(f"--tolerance {args.tolerance:g}: must be at least 0")
    stored = formulas(args.workbook)
    found = list(differences(stored, recalculate(args.workbook, args.engine), args.tolerance))
    if args.json:
        listed = [vars(d) for d in found]
        _json({"file": str(args.workbook), "engine": args.engine, "formulas": len(stored), "differences": listed})
        return 1 if found else 0
    if found and all(f.stored is None for f in stored.values()):
        print(f"{args.workbook}: none of its {len(stored)} formulas has a stored value; open and save it in Excel once")
        return 1
    for d in found[:20]:
        print(f"{d.sheet}!{d.cell}: stored {d.stored!r}, {args.engine} computes {d.computed!r}  {d.formula[:60]}")
    more = f" ({len(found) - 20} more not shown)" if len(found) > 20 else ""
    print(f"{args.workbook}: {len(stored) - len(found)} of {len(stored)} formulas agree with {args.engine}{more}")
    return 1 if found else 0


def _docs(args: argparse.Namespace) -> int:
    from xl_econ.hosts import reference

    written = reference.write(args.output)
    print(f"{len(written)} pages in {args.output}")
    return 0


def _version(args: argparse.Namespace) -> int:
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
        return _json(found)
    _grid([[k, v] for k, v in found.items()])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
