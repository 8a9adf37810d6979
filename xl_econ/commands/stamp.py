"""The command `stamp`: what a workbook says that it was built and filled from, and whether that still holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .printing import print_grid, print_json

if TYPE_CHECKING:
    import argparse

    from xl_econ.templates.edited import Edited

STALE = 1
_STATES = {True: "holds", False: "does not hold", None: "not known"}


def stamp(args: argparse.Namespace) -> int:
    """Show the stamp of a workbook, or write the one that is true; 1 where something does not hold."""
    from xl_econ.templates.edited import Edited
    from xl_econ.workbook.patch import patch

    book = Edited(args.workbook)
    if args.write:
        cells, properties = book.restamped({})
        patch(book.book, args.workbook, cells, others=properties)
        book = Edited(args.workbook)
    lines = _lines(book)
    stale = any(line["holds"] is False for line in lines.values())
    if args.json:
        print_json({"workbook": str(args.workbook), "holds": not stale, **lines})
    else:
        print(args.workbook)
        shown = [[f"  {what}", x["says"] or "-", _STATES[x["holds"]], x["why"]] for what, x in lines.items()]
        print_grid(shown)
    return STALE if stale else 0


def _lines(book: Edited) -> dict[str, dict[str, Any]]:
    """What is said of each thing, whether it holds, and why not."""
    from xl_econ.templates import stamp

    said, now = book.stamp, book.stamped()
    here = stamp.layout_hash(book.layout)
    edits = book.edits()

    def line(says: str, holds: bool | None, why: str) -> dict[str, Any]:
        return {"says": says, "holds": holds, "why": "" if holds else why}

    def hashed(says: str, true: str, what: str) -> dict[str, Any]:
        return line(
            says, says == true if says else None, f"{what} edited since the fill: {true}" if says else "not stamped"
        )

    same = (said.version, said.layout) == (book.layout.version, here)
    built = f"xl-econ {said.program or '?'}"
    return {
        "template": line(f"{said.line}, {built}", same, f"here is {book.layout.version}; xl-econ upgrade brings it")
        if said.layout
        else line(f"{said.line}, {built}", None, "an older xl-econ left no template hash"),
        "template hash": line(
            said.layout, said.layout == here if said.layout else None, f"the template here has {here}"
        ),
        "inputs hash": hashed(said.inputs, now.inputs, "inputs or tables"),
        "tables hash": hashed(said.tables, now.tables, "tables"),
        "definitions": line(
            "" if edits is None else f"{edits} cells edited" if edits else "as built",
            None if edits is None else not edits,
            "labels, formulas or notes were edited"
            if edits is not None
            else "how it was built is not recorded: a program dropped that, or it is older",
        ),
    }
