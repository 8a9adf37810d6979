"""The command `upgrade`: a filled workbook in its template's current version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import UsageError

from .compare import one_line, plain, shown
from .printing import print_grid, print_json

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from xl_econ.templates.merge import Conflict, Taken
    from xl_econ.templates.upgrade import Upgrade

SHOWN = 20
CONFLICTS = 1
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def upgrade(args: argparse.Namespace) -> int:
    """Merge the template's changes into a workbook; 1 where something stays as the user has it, or cannot be merged."""
    from xl_econ.templates.upgrade import place, upgraded
    from xl_econ.workbook.write import check_target

    target = args.output or args.workbook
    in_place = target.resolve() == args.workbook.resolve()
    if target.suffix.casefold() != args.workbook.suffix.casefold():
        raise UsageError(f"{target}: a copy of {args.workbook.name} ends with {args.workbook.suffix}")
    if args.anew and target.suffix.casefold() != ".xlsx":
        raise UsageError(f"{target}: what is built anew is an .xlsx workbook; name one with -o")
    with upgraded(args.workbook, args.anew) as (found, result):
        written = not (found.unmerged or args.dry_run)
        if written:
            check_target(target, args.force or in_place)
            place(result, target, args.force or in_place)
    output = str(target) if written else None
    if args.json:
        print_json(_report(args, found, output))
    else:
        _print(args, found, output)
    return CONFLICTS if found.conflicts or found.unmerged else 0


def _report(args: argparse.Namespace, found: Upgrade, output: str | None) -> dict[str, Any]:
    merged = found.merged
    return {
        "workbook": str(args.workbook),
        "output": output,
        "template": found.model.layout.name,
        "from": found.version,
        "to": found.model.layout.version,
        "how": "merged" if merged else "built anew",
        "base_known": found.is_known,
        "inputs_added": found.added,
        "inputs_gone": found.gone,
        "defaults": [vars(d) for d in found.defaults],
        "edits": merged.edits if merged else 0,
        "changed": [vars(t) for t in merged.taken] if merged else [],
        "gone": [vars(t) for t in merged.gone] if merged else [],
        "conflicts": [vars(c) for c in found.conflicts],
        "unmerged": [vars(c) for c in found.unmerged],
        "results": [vars(plain(f)) | {"change": f.change} for f in found.results],
    }


def _print(args: argparse.Namespace, found: Upgrade, output: str | None) -> None:
    layout, merged = found.model.layout, found.merged
    print(output or ("not written" if found.unmerged else "not written (dry run)"))
    print(f"  {layout.name} {found.version} -> {layout.version}")
    if found.added:
        print(f"  new inputs, the template's own: {', '.join(found.added)}")
    for gone in found.gone:
        held = ", ".join(f"{case} {_said(value)}" for case, value in gone["values"].items())
        print(f"  input that is no more: {gone['key']} ({held})")
    if found.defaults:
        print("  values of the template that changed:")
        kept = {True: "taken", False: "yours is kept"}
        print_grid([[f"    {d.case}.{d.key}", _said(d.old), "->", _said(d.new), kept[d.taken]] for d in found.defaults])
    if merged:
        print(
            f"  {merged.edits} edited cells stay; {len(merged.cells)} cells and {len(merged.names)} names are written"
        )
        _print_taken("cells changed in the template", [(t, t.new) for t in merged.taken if t.old is not None])
        # A new row is one line: its first text.
        rows = {(t.sheet, t.cell.lstrip(_LETTERS)): t for t in reversed(merged.taken) if t.old is None}
        _print_taken("rows added below", [(t, t.new) for t in reversed(rows.values())])
        _print_taken("rows no longer in the template, kept", [(t, t.old) for t in merged.gone])
        _print_conflicts("stay as you have them", merged.conflicts)
        _print_conflicts("cannot be merged", merged.unmerged)
    if found.results:
        print(f"  {len(found.results)} results change")
        print_grid([[f"    {f.name}", *shown(f)] for f in found.results])
    if found.unmerged:
        print(f"  --anew builds {args.workbook.name} anew with its inputs and tables, without the edits")


def _print_taken(title: str, cells: Sequence[tuple[Taken, Any]]) -> None:
    if cells:
        print(f"  {len(cells)} {title}:")
        print_grid([[f"    {_where(c)}", one_line(c.what), _said(v)] for c, v in cells[:SHOWN]], 50)
        _print_more(len(cells))


def _print_conflicts(title: str, conflicts: Sequence[Conflict]) -> None:
    if conflicts:
        print(f"  {len(conflicts)} {title}:")
        for c in conflicts[:SHOWN]:
            print(f"    {' '.join(x for x in (_where(c), one_line(c.what)) if x)}: {c.why}")
            for who, value in (("was", c.base), ("here", c.mine), ("new", c.new)):
                if value is not None:
                    print(f"      {who}: {_said(value)}")
        _print_more(len(conflicts))


def _print_more(count: int) -> None:
    if count > SHOWN:
        print(f"    ... and {count - SHOWN} more (--json lists all)")


def _where(c: Conflict | Taken) -> str:
    return "!".join(x for x in (c.sheet, c.cell) if x)


def _said(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.10g}"
    return "(none)" if value in (None, "") else one_line(str(value))
