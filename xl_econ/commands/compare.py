"""The command `diff`: what differs between two workbooks, as text, JSON or a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .printing import in_columns, number, print_json

if TYPE_CHECKING:
    import argparse

    from xl_econ.templates.diff import Finding

SHOWN = 20
DIFFERENT = 1


def diff(args: argparse.Namespace) -> int:
    """What differs between two workbooks; 1 where something does."""
    from xl_econ.templates import diff

    found = [f for f in diff.diff(args.a, args.b) if f.group != "formatting" or not args.ignore_formatting]
    if args.html:
        _write(args, found)
    if args.json:
        listed = [vars(f) | {"change": f.change} for f in map(plain, found)]
        print_json({"a": str(args.a), "b": str(args.b), "different": bool(found), "findings": listed})
        return DIFFERENT if found else 0
    if not found:
        print("no difference")
        return 0
    for line in _lines(found):
        print(line)
    if args.html:
        print(args.html)
    return DIFFERENT


def _write(args: argparse.Namespace, found: list[Finding]) -> None:
    from xl_econ.core.errors import UsageError, WorkbookError
    from xl_econ.core.place import whole

    from .diff_page import page

    if args.html.exists() and not args.force:
        raise UsageError(f"{args.html}: exists; --force replaces it")
    try:
        with whole(args.html) as beside:
            beside.write_text(page(str(args.a), str(args.b), found), encoding="utf-8", newline="\n")
    except OSError as e:
        raise WorkbookError(f"{args.html}: cannot be written: {e.strerror or e}") from None


def plain(f: Finding) -> Finding:
    """A finding whose values JSON knows: a date is its text."""
    from dataclasses import replace

    return replace(f, old=_value(f.old), new=_value(f.new))


def _value(value: Any) -> Any:
    return value if value is None or isinstance(value, str | bool | float) else str(value)


def _lines(found: list[Finding]) -> list[str]:
    """The findings in their groups, long groups cut."""
    from xl_econ.templates.diff import GROUPS

    lines: list[str] = []
    for group, title in GROUPS.items():
        here = [f for f in found if f.group == group]
        if not here:
            continue
        if group == "computed":
            counts = {s: sum(f.sheet == s for f in here) for s in dict.fromkeys(f.sheet for f in here)}
            lines.append(f"{title}: {', '.join(f'{s} {n}' for s, n in counts.items())}")
        elif group == "formatting":
            lines.append(f"{title}: {', '.join(f'{f.sheet} {f.new:g}' for f in here)}")
        else:
            lines.append(f"{title}: {len(here)}")
            lines += in_columns([[f"  {one_line(f.name)}", *shown(f)] for f in here[:SHOWN]], 56)
            if len(here) > SHOWN:
                lines.append(f"  ... and {len(here) - SHOWN} more (--json lists all)")
    return lines


def shown(f: Finding) -> tuple[str, str, str, str]:
    """A finding as it is read: old, an arrow, new, the change."""
    old, new = ("(none)" if v is None else one_line(str(number(v))) for v in (f.old, f.new))
    return old, "->", new, "" if f.change is None else f"{f.change:+.2%}"


def one_line(text: str) -> str:
    """A text without its line breaks."""
    return " ".join(text.split())
