"""The command `upgrade`: a filled workbook in its template's current version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import UsageError

from .compare import one_line, plain, shown
from .printing import print_grid, print_json

if TYPE_CHECKING:
    import argparse

    from xl_econ.templates.upgrade import Upgrade

SHOWN = 20
REFUSED = 1


def upgrade(args: argparse.Namespace) -> int:
    """Build a workbook anew from its case and tables; 1 where a person's edits would be lost."""
    from xl_econ.templates import build
    from xl_econ.templates.upgrade import upgraded
    from xl_econ.workbook.write import check_target

    target = args.output or args.workbook
    if target.suffix.casefold() != ".xlsx":
        raise UsageError(f"{target}: what is built is an .xlsx workbook; name one with -o")
    in_place = target.resolve() == args.workbook.resolve()
    with upgraded(args.workbook) as found:
        refused = bool(found.conflicts) and not args.force
        if not refused and not args.dry_run:
            check_target(target, args.force or in_place)
            build.build(found.model, target, found.flavour, found.case.texts, force=args.force or in_place)
    output = None if refused or args.dry_run else str(target)
    if args.json:
        print_json(_report(args, found, output))
    else:
        _print(args, found, output, refused)
    return REFUSED if refused else 0


def _report(args: argparse.Namespace, found: Upgrade, output: str | None) -> dict[str, Any]:
    return {
        "workbook": str(args.workbook),
        "output": output,
        "template": found.model.layout.name,
        "from": found.version,
        "to": found.model.layout.version,
        "inputs_added": found.added,
        "inputs_gone": found.gone,
        "conflicts": [vars(plain(f)) for f in found.conflicts],
        "results": [vars(plain(f)) | {"change": f.change} for f in found.results],
    }


def _print(args: argparse.Namespace, found: Upgrade, output: str | None, refused: bool) -> None:
    layout = found.model.layout
    print(output or ("not written" if refused else "not written (dry run)"))
    print(f"  {layout.name} {found.version} -> {layout.version}")
    for title, keys in (("new inputs, the template's own", found.added), ("inputs that are no more", found.gone)):
        if keys:
            print(f"  {title}: {', '.join(keys)}")
    if found.results:
        print(f"  {len(found.results)} results change")
        print_grid([[f"    {f.name}", *shown(f)] for f in found.results])
    if found.conflicts:
        print(f"  {len(found.conflicts)} edits that the new workbook does not have:")
        print_grid([[f"    {f.group}: {one_line(f.name)}", *shown(f)[:3]] for f in found.conflicts[:SHOWN]], 50)
        if len(found.conflicts) > SHOWN:
            print(f"    ... and {len(found.conflicts) - SHOWN} more (--json lists all)")
    if refused:
        print(f"  --force upgrades {args.workbook.name} without them")
