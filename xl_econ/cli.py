"""The command line: parse, run, tell errors. A command is imported when it runs, so that `--help` starts at once."""

from __future__ import annotations

import argparse
import os
import sys

from xl_econ import __version__
from xl_econ.core.errors import UsageError, WorkbookError, XlEconError, nearest

TYPE_CHECKING = False  # typing, pathlib and json would double the time to --help
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any, NoReturn

INTERNAL_ERROR = 70
_EXIT_CODES = "exit codes: 0 ok, 1 findings, 2 usage, 3 bad input, 4 workbook unreadable or not writable"
# Module of xl_econ.commands and function in it, imported when the command runs.
_COMMANDS = {
    "list": "functions:list_",
    "show": "functions:show",
    "calc": "functions:calc",
    "explain": "functions:explain",
    "tables": "tables:tables",
    "new": "workbooks:new",
    "fill": "workbooks:fill",
    "extract": "edited:extract",
    "recalc": "workbooks:recalc",
    "lint": "lint:lint",
    "audit": "audit:audit",
    "trace": "trace:trace",
    "diff": "compare:diff",
    "reprice": "reprice:reprice",
    "upgrade": "upgrade:upgrade",
    "stamp": "stamp:stamp",
    "sweep": "sweep:sweep",
    "tornado": "drivers:tornado",
    "bridge": "drivers:bridge",
    "solve": "goals:solve",
    "breakeven": "goals:breakeven",
    "addin": "addin:addin",
    "docs": "functions:docs",
    "version": "workbooks:version",
}

# What these take stands in commands.scenario_options.
_ASKING = {
    "tornado": "how far each input moves a result, the widest first",
    "bridge": "why a result changed between two cases: effects that sum to the difference",
    "solve": "what an input must be for a result to have a value (exit code 1: no solution)",
    "breakeven": "where a result has a value, or equals another, over two inputs",
}


class _Parser(argparse.ArgumentParser):
    """An error is one line, with the nearest command or option; help has one width, whatever the terminal."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(formatter_class=lambda prog: argparse.HelpFormatter(prog, width=100), **kwargs)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            hint = nearest(str(value), action.choices) or f"; there are {', '.join(action.choices)}"
            what = action.option_strings[-1] if action.option_strings else action.metavar or action.dest
            raise UsageError(f"no {what} {value!r}{hint}")


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
        parser = _parser(sys.argv[1:] if argv is None else argv)
        args, rest = parser.parse_known_args(argv)
        # Values and k=v words may stand on both sides of an option.
        if rest and not (hasattr(args, "arguments") and all(word[:1] != "-" for word in rest)):
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
        if rest:
            args.arguments += rest
        code = _run(args)
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


def _parser(words: Sequence[str] | None = None) -> _Parser:
    """The parser; with the words of a command line, options that it cannot need are left out."""
    parser = _Parser(prog="xl-econ", description="AI compute economics in Excel, headless.", epilog=_EXIT_CODES)
    commands = parser.add_subparsers(metavar="command", dest="command", required=True)

    def command(name: str, help_text: str, reads: bool = True, tables: bool = False) -> _Parser:
        sub: _Parser = commands.add_parser(name, help=help_text, description=help_text)
        if tables:
            sub.add_argument(
                "--rate-card", type=_path, metavar="F", help="read its tables (else XL_ECON_RATE_CARD's, else shipped)"
            )
        if reads:
            sub.add_argument("--json", action="store_true", help="one JSON object, numbers unrounded")
        return sub

    _functions(command)
    _filling(command)
    _auditing(command)
    _comparing(command)
    _scenarios(command)
    for name, text in _ASKING.items():
        sub = command(name, text, tables=True)
        if words is None or name in words:
            from xl_econ.commands import scenario_options

            getattr(scenario_options, name)(sub, _path)
    _addin(command("addin", "the Excel add-in", reads=False))
    sub = command("docs", "write the reference pages of functions, tables and checks", reads=False)
    sub.add_argument("-o", "--output", type=_path, default="docs", metavar="DIR")
    command("version", "versions of xl-econ and of the engines")
    parser.add_argument("--version", action="version", version=f"xl-econ {__version__}")
    return parser


def _functions(command: Callable[..., _Parser]) -> None:
    """The functions and the tables that they read."""
    command("list", "the functions")
    command("show", "a function: arguments, definition, source, LAMBDA").add_argument("name", metavar="NAME")
    for name, text in (("calc", "compute a function"), ("explain", "compute a function step by step")):
        sub = command(name, text, tables=True)
        sub.add_argument("name", metavar="NAME")
        sub.add_argument("arguments", metavar="k=v", nargs="*", help="arguments by name or in order: mfu=41%%")
    sub = command("tables", "the reference tables, or the rows of one", tables=True)
    sub.add_argument("table", metavar="NAME", nargs="?", help="a table, or refresh and then api_prices")
    sub.add_argument("refreshed", metavar="TABLE", nargs="?", help="refresh: the table, from the package genai-prices")
    sub.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="COLUMN=TEXT",
        help="only rows whose column holds the text, equals the number, or is empty; several narrow further",
    )
    sub.add_argument("--conflicts", action="store_true", help="prices of one offer that lie far apart (exit code 1)")
    sub.add_argument("--older-than", type=int, metavar="DAYS", help="rows whose figures are older (exit code 1)")
    sub.add_argument("--all-models", action="store_true", help="refresh: add its providers' other models")
    sub.add_argument("-o", "--output", type=_path, metavar="F", help="refresh: write a rate card with the new prices")
    sub.add_argument("--csv", type=_path, metavar="F", help="refresh: write the new table")
    sub.add_argument("--force", action="store_true", help="refresh: replace a file that is there")


def _filling(command: Callable[..., _Parser]) -> None:
    """The commands that make workbooks of templates, and read them back."""
    sub = command("new", "a template workbook with its own inputs; rate_card holds all tables to edit", tables=True)
    sub.add_argument("template", metavar="TEMPLATE", nargs="?", help="without it: the templates")
    _output(sub, required=False)
    sub = command("fill", "a template, or a workbook built from one, filled from a case file", tables=True)
    sub.add_argument("template", metavar="TEMPLATE|F", help="a template, or a workbook to change where its inputs are")
    sub.add_argument("-i", "--input", type=_path, metavar="CASE", help="TOML, YAML, JSON or CSV (a row a workbook)")
    sub.add_argument(
        "--set", action="append", default=[], metavar="K=V", help="an input on top: mfu=0.41, Low.mfu=0.43"
    )
    sub.add_argument(
        "--from",
        action="append",
        default=[],
        type=_path,
        metavar="F",
        dest="results_from",
        help="a workbook of another template whose results become inputs (exec_summary)",
    )
    sub.add_argument("--dry-run", action="store_true", help="check and compute, write nothing")
    _where(sub, "--jobs")
    sub.add_argument("--resume", action="store_true", help="leave the workbooks that hold their case already")
    sub.add_argument("--together", action="store_true", help="all cases in one workbook, a column each")
    _output(sub, required=False)
    sub = command("extract", "the case file of a filled workbook", tables=True)
    sub.add_argument("workbook", type=_path, metavar="F")
    sub.add_argument("-o", "--output", type=_path, metavar="CASE", help="TOML, JSON or CSV; without it: TOML, printed")
    sub.add_argument("--force", action="store_true", help="replace a file that is there")


def _auditing(command: Callable[..., _Parser]) -> None:
    """The commands that judge a workbook's conventions and numbers."""
    sub = command("recalc", "compare the stored values of a workbook with a recalculation")
    sub.add_argument("workbook", type=_path, metavar="F")
    sub.add_argument("--engine", choices=("ironcalc", "libreoffice"), default="ironcalc", metavar="engine")
    sub.add_argument("--tolerance", type=float, default=1e-12, help="relative, for numbers (default 1e-12)")
    sub.add_argument("--write", action="store_true", help="store what ironcalc computes, and change nothing else")
    sub = command("lint", "whether workbooks keep the conventions: kinds, constants, units, sources, names")
    sub.add_argument("workbooks", type=_path, metavar="F", nargs="+")
    told = "what is wrong with the numbers of workbooks, cell by cell (exit code 1: something is)"
    sub = command("audit", told, tables=True)
    sub.add_argument("workbooks", type=_path, metavar="F", nargs="*")
    sub.add_argument("--list", action="store_true", help="print the checks: what a finding means, what to do")
    sub.add_argument("--check", action="append", default=[], metavar="ID", help="this check only; again for another")
    sub.add_argument(
        "--recalculate",
        choices=("ironcalc", "libreoffice"),
        default="ironcalc",
        metavar="engine",
        help="what confirms the stored values: ironcalc (default) or libreoffice",
    )
    _where(sub)
    sub.add_argument("--as-of", type=_day, metavar="DAY", help="prices are old against this day (else the workbook's)")
    sub.add_argument(
        "--fail-on",
        choices=("error", "warning", "info"),
        default="error",
        metavar="severity",
        help="exit code 1 from this severity on: error (default), warning, info",
    )
    sub.add_argument("--baseline", type=_path, metavar="F", help="leave out what an earlier --json report found")
    sub.add_argument("--sarif", type=_path, metavar="F", help="write SARIF 2.1.0 as well")
    sub.add_argument("--html", type=_path, metavar="F", help="write a page with every cell as well (one workbook)")
    sub.add_argument(
        "--xlsx", type=_path, metavar="F", help="write a copy with comments and a Findings sheet as well (one workbook)"
    )
    sub.add_argument("--force", action="store_true", help="replace reports that are there")
    sub = command("trace", "where a number comes from, down to its inputs, or what depends on it")
    sub.add_argument("workbook", type=_path, metavar="F")
    sub.add_argument("cell", metavar="CELL", help="Sheet!Cell or a defined name")
    sub.add_argument("--dependents", action="store_true", help="what reads it, instead of what it reads")
    sub.add_argument("--depth", type=int, default=12, metavar="N", help="levels (default 12, 0 for all)")
    sub.add_argument("--full", action="store_true", help="every cell of a range, instead of its count and sum")
    sub.add_argument("--html", type=_path, metavar="F", help="write a page as well")
    sub.add_argument("--force", action="store_true", help="replace a page that is there")


def _comparing(command: Callable[..., _Parser]) -> None:
    """The commands that set one state of a workbook against another."""
    sub = command("diff", "what differs between two workbooks, by key and name (exit code 1: something does)")
    sub.add_argument("a", type=_path, metavar="A", help="the old workbook")
    sub.add_argument("b", type=_path, metavar="B", help="the new one")
    sub.add_argument("--html", type=_path, metavar="F", help="write a page as well")
    sub.add_argument("--ignore-formatting", action="store_true", help="look at contents only")
    sub.add_argument("--force", action="store_true", help="replace a page that is there")
    sub = command("reprice", "a workbook with other table rows, and what each row does to the results", tables=True)
    sub.add_argument("workbook", type=_path, metavar="F", help="changed in place without -o")
    sub.add_argument("-o", "--output", type=_path, metavar="F", help="write a copy and leave F as it is")
    sub.add_argument("--dry-run", action="store_true", help="compute, write nothing")
    sub.add_argument("--force", action="store_true", help="replace a workbook that somebody has edited")
    sub = command("upgrade", "a filled workbook to its template's current version (exit code 1: conflicts)")
    sub.add_argument("workbook", type=_path, metavar="F", help="changed in place without -o")
    sub.add_argument("-o", "--output", type=_path, metavar="F", help="write a copy and leave F as it is")
    sub.add_argument("--dry-run", action="store_true", help="compare, write nothing")
    sub.add_argument("--anew", action="store_true", help="build it anew with its inputs and tables, without the edits")
    sub.add_argument("--force", action="store_true", help="replace a workbook that is there")
    sub = command(
        "stamp", "what a workbook was built and filled from, and if it still holds (exit code 1: it does not)"
    )
    sub.add_argument("workbook", type=_path, metavar="F")
    sub.add_argument("--write", action="store_true", help="write the hashes that are true now into the workbook")


def _scenarios(command: Callable[..., _Parser]) -> None:
    """The commands that ask what if."""
    sub = command("sweep", "a function or a template over many draws of uncertain inputs", tables=True)
    sub.add_argument("name", metavar="NAME|TEMPLATE")
    sub.add_argument(
        "--cases", type=_path, metavar="F", required=True, help="what varies and how: TOML, YAML, JSON, CSV, xlsx"
    )
    sub.add_argument("-n", type=_count, metavar="N", help="draws (default 10,000; a grid has its own number)")
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="the same seed, the same result (default 0)")
    sub.add_argument("--method", metavar="M", help="mc (seeded Monte Carlo), lhs (Latin hypercube), sobol or grid")
    sub.add_argument(
        "--result",
        action="append",
        default=[],
        metavar="KEY",
        help="this result; again for another (default: its main)",
    )
    sub.add_argument("--budget", type=float, action="append", default=[], metavar="X", help="P(result > X); again")
    sub.add_argument("--quantiles", metavar="P,P", help="p10,p50,p90 (default p5,p10,p25,p50,p75,p90,p95)")
    sub.add_argument("--max-points", type=_count, default=10**8, metavar="N", help="of a grid (default 100,000,000)")
    _where(sub)
    sub.add_argument("-o", "--output", type=_path, metavar="F", help="write a workbook of the results, with charts")
    sub.add_argument("--png", type=_path, metavar="F", help="write a picture of the distribution")
    sub.add_argument("--draws", type=_path, metavar="F", help="write every draw: .parquet or .csv")
    sub.add_argument("--state", type=_path, metavar="F", help="keep there what is done, for --resume after Ctrl-C")
    sub.add_argument("--resume", action="store_true", help="go on from the state")
    sub.add_argument("--dry-run", action="store_true", help="tell what would run and how large it is")
    sub.add_argument("--force", action="store_true", help="replace files that are there")


def _addin(addin: _Parser) -> None:
    """What can be done with the add-in: each action is a function of `commands.addin` by its name."""
    actions = addin.add_subparsers(metavar="action", dest="action", required=True)

    def action(name: str, help_text: str) -> _Parser:
        sub: _Parser = actions.add_parser(name, help=help_text, description=help_text)
        return sub

    sub = action("build", "write the add-in: the same bytes each time")
    sub.add_argument("-o", "--output", type=_path, default="xl_econ.xlam", metavar="F", help="default: xl_econ.xlam")
    sub.add_argument(
        "--sources", type=_path, metavar="DIR", help="write its modules there too, for review and -Rebuild"
    )
    from xl_econ.addin.options import add_actions

    add_actions(action)
    sub = action("wheelhouse", "a folder that install.ps1 installs from without a network (any machine)")
    sub.add_argument("-o", "--output", type=_path, metavar="DIR", required=True, help="a new folder")
    sub.add_argument("--python", default="3.12", metavar="V", help="the Python that will install (default 3.12)")
    sub.add_argument("--wheel", type=_path, metavar="F", help="xl-econ's own wheel, if not this checkout's")
    sub.add_argument("--lock", type=_path, metavar="F", help="an earlier requirements.txt: exactly those files")
    sub = action("names", "put the named functions (LAMBDA) into a workbook (exit code 1: a name is taken)")
    sub.add_argument("workbook", type=_path, metavar="F", help="changed in place without -o; nothing else in it is")
    sub.add_argument("-o", "--output", type=_path, metavar="OUT", help="write a copy and leave F as it is")
    sub.add_argument("--tables", action="store_true", help="add the reference tables that it lacks, a sheet each")
    sub.add_argument("--rate-card", type=_path, metavar="F", help="--tables: its tables, instead of the shipped ones")
    sub.add_argument("--remove", action="store_true", help="take the functions out again; tables stay")
    sub.add_argument("--dry-run", action="store_true", help="tell, write nothing")
    sub.add_argument("--force", action="store_true", help="replace an OUT that somebody has edited")
    sub.add_argument("--json", action="store_true", help="one JSON object")


def _run(args: argparse.Namespace) -> int:
    """Import the command that was parsed, and run it, with the rate card that its option names if it reads tables."""
    from importlib import import_module

    module, _, name = _COMMANDS[args.command].partition(":")
    run: Callable[[argparse.Namespace], int] = getattr(import_module(f"xl_econ.commands.{module}"), name)
    if "rate_card" not in args:
        return run(args)
    from xl_econ.workbook import rate_card

    with rate_card.using(args.rate_card):
        return run(args)


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


def _where(sub: _Parser, option: str = "--workers") -> None:
    """Where many tasks of a command run."""
    sub.add_argument(option, type=int, default=1, metavar="N", help="processes at work (default 1)")
    sub.add_argument(
        "--engine",
        default="local",
        metavar="E",
        help="local (default), dask (a cluster on this machine) or dask://host:port; files by the same path everywhere",
    )


def _path(text: str) -> Path:
    from pathlib import Path

    return Path(text)


def _count(text: str) -> int:
    """A whole number as a person types it: 100000, 1e8, 30_000."""
    try:
        found = float(text)
        if found != int(found):
            raise ValueError
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number, as 10000 or 1e6") from None
    return int(found)


def _day(text: str) -> Any:
    from datetime import date

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a day as 2026-11-23") from None


if __name__ == "__main__":
    raise SystemExit(main())
