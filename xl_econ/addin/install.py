"""The installer: `python -m xl_econ.addin.install ACTION`, which install.ps1 hands over to, and `xl-econ addin ACTION`.

Imports the standard library alone, so that the interpreter that an environment was made from can take it away; only
what builds an add-in needs more.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

from xl_econ import __version__
from xl_econ.core.errors import InputError, UsageError, XlEconError

from . import manifest as manifests
from . import places, plans, policies, repack
from .findings import PROBLEM, Finding
from .options import add_actions
from .record import XLWINGS, Record
from .startup import FILE
from .steps import Step, carry_out, lines, sentence
from .system import Machine, Refused
from .windows import machine as this_machine

if TYPE_CHECKING:
    from typing import NoReturn

FINDINGS = 1


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run an action as install.ps1 asks for it; errors are one line.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        The exit code: 0 ok, 1 findings, 2 usage, 3 refused, 4 a step failed and was undone.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    parser = _Parser(prog="xl_econ.addin.install", description="The add-in's installer.")
    actions = parser.add_subparsers(metavar="action", dest="action", required=True)
    add_actions(lambda name, text: actions.add_parser(name, help=text, description=text))
    try:
        return run(parser.parse_args(argv))
    except XlEconError as e:
        print(f"xl-econ: {e}", file=sys.stderr)
        return e.exit_code


def run(args: argparse.Namespace, machine: Machine | None = None) -> int:
    """Run the action that was parsed.

    Args:
        args: The action and its options.
        machine: Where; this machine if None.

    Returns:
        The exit code.
    """
    if args.action == "doctor":
        return _doctor(args, machine)
    return _ACTIONS[args.action](args, machine or this_machine())


def _install(args: argparse.Namespace, machine: Machine) -> int:
    if args.environment and not args.dry_run:
        raise UsageError("--environment goes with --dry-run; to install, run this in that environment")
    folder = PureWindowsPath(args.environment or "")
    found = places.planned(folder, __version__) if args.environment else environment(machine)
    # What is still to be made has no builder to ask for the add-in: the plan is the same without its bytes.
    addin = b"" if args.environment and not args.addin else shipped(args.addin)
    request = plans.Request(found, addin, args.force, planned=bool(args.environment))
    return _do(
        args,
        machine,
        plans.install(machine, request),
        "Start Excel: the functions are there. install.ps1 -Check, or xl-econ addin check, asks it.",
    )


def _uninstall(args: argparse.Namespace, machine: Machine) -> int:
    steps, left = plans.uninstall(machine, PureWindowsPath(sys.prefix))
    return _do(args, machine, steps, "The add-in is removed.", left)


def _rollback(args: argparse.Namespace, machine: Machine) -> int:
    return _do(args, machine, plans.roll_back(machine), "Start Excel: the version before is there.")


def _rebuild(args: argparse.Namespace, machine: Machine) -> int:
    from .build import sources

    if not policies.may_import_modules(machine.registry):
        raise Refused(
            "Excel lets no program write macros: tick File, Options, Trust Center, Macro Settings, "
            '"Trust access to the VBA project object model", run this again, and untick it'
        )
    addin = repack.with_project(shipped(args.addin), machine.excel.compiled(sources()))
    return _do(
        args, machine, plans.rebuild(machine, addin), "Start Excel: it runs the modules that it compiled itself."
    )


def _check(args: argparse.Namespace, machine: Machine) -> int:
    where = places.places(machine.environment)
    installed = manifests.read(machine, where)
    if installed is None:
        raise Refused("nothing is installed: run install.ps1 first")
    expected = installed.current.record.version
    answer = machine.excel.ask(installed.addin, "=XL_ECON_VERSION()")
    ok = answer == expected
    text = f"Excel says =XL_ECON_VERSION() is {answer!r}" + ("" if ok else f", and {expected!r} is installed")
    if args.json:
        print(json.dumps({"expected": expected, "answer": str(answer), "ok": ok}, indent=2))
    else:
        print(text if ok else f"{text}. What may be wrong: xl-econ addin doctor")
    return 0 if ok else FINDINGS


def _doctor(args: argparse.Namespace, machine: Machine | None) -> int:
    from . import doctor

    if machine is None and sys.platform != "win32":
        found = list(doctor.elsewhere(sys.platform))
    else:
        found = list(doctor.examine(machine or this_machine()))
    if args.json:
        print(json.dumps({"findings": [vars(f) for f in found]}, indent=2, ensure_ascii=False))
    else:
        print("\n".join(told(f) for f in found))
    return FINDINGS if any(f.level == PROBLEM for f in found) else 0


_ACTIONS: dict[str, Callable[[argparse.Namespace, Machine], int]] = {
    "install": _install,
    "uninstall": _uninstall,
    "rollback": _rollback,
    "rebuild": _rebuild,
    "check": _check,
}


def told(finding: Finding) -> str:
    """A finding as a person reads it."""
    line = f"{finding.level:<8} {finding.topic}: {finding.text}"
    return f"{line}\n{'':9}{finding.remedy}" if finding.remedy else line


def shipped(path: str | None) -> bytes:
    """The add-in's bytes: of a file, or as the package builds it, which are the same on every machine."""
    if path is None:
        from .build import write

        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder) / FILE)
            return (Path(folder) / FILE).read_bytes()
    try:
        addin = Path(path).read_bytes()
    except OSError as e:
        raise InputError(f"{path}: cannot be read: {e.strerror}") from None
    repack.check(addin, path)
    return addin


def environment(machine: Machine, executable: str = "") -> Record:
    """The environment that this interpreter stands in: itself, and xlwings' DLLs beside it or one folder up.

    Raises:
        Refused: The Microsoft Store's Python, or xlwings is not in it.
    """
    python = PureWindowsPath(executable or sys.executable)
    for name in (sys.base_prefix, str(python)):
        if "windowsapps" in name.casefold():
            raise Refused(
                f"{name}: the Microsoft Store's Python shows Excel other folders than itself; install Python from "
                "python.org for this user, or have it rolled out, and run install.ps1 again"
            )
    found = []
    for bits in (64, 32):
        dll = f"xlwings{bits}-{XLWINGS}.dll"
        candidates = [folder / dll for folder in (python.parent, python.parent.parent)]
        there = [path for path in candidates if machine.disk.is_file(path)]
        if not there:
            raise Refused(
                f"{candidates[1]} is missing: pip install 'xl-econ[excel]' in that environment (xlwings {XLWINGS})"
            )
        found.append(str(there[0]))
    return Record(__version__, str(python), *found)


def _do(args: argparse.Namespace, machine: Machine, steps: Sequence[Step], after: str, left: Sequence[str] = ()) -> int:
    plan = lines(steps)
    remains = [] if args.dry_run else _carried_out(args.action, steps, machine)
    if args.json:
        print(
            json.dumps(
                {"dry_run": args.dry_run, "steps": plan, "left": [*left, *remains]}, indent=2, ensure_ascii=False
            )
        )
        return 0
    for line in plan:
        print(sentence(line))
    for text in (*left, *remains):
        print(f"left: {text}")
    print("nothing was changed (dry run)" if args.dry_run else after)
    return 0


def _carried_out(action: str, steps: Sequence[Step], machine: Machine) -> list[str]:
    """Do it, and add to the log, unless the log is gone with everything else."""
    log = places.places(machine.environment).log

    def note(text: str) -> None:
        with contextlib.suppress(OSError):  # a log that cannot be written stops nothing
            if machine.disk.is_folder(log.parent) and action != "uninstall":
                machine.disk.append(log, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ} {__version__} {action}: {text}\n")

    try:
        left = carry_out(steps, machine)
    except XlEconError as e:
        note(str(e))
        raise
    for line in lines(steps):
        note(sentence(line))
    return left


if __name__ == "__main__":
    raise SystemExit(main())
