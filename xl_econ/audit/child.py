"""The child process of an audit: sets the engine to work, and only then brings in what reads and judges the cells."""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from xl_econ.workbook import child
from xl_econ.workbook.recalc import Computing

if TYPE_CHECKING:
    from .registry import Finding


def main() -> NoReturn:
    """Entry point of the child; JSON to standard output, or an error.

    Its arguments: workbook, engine, day, whether with cells, rate card, checks.
    """
    child.limit_memory()
    gc.disable()  # a model of a million cells has no circles, and looking for them would take a third of the time
    path, engine, as_of, cells, card, *only = sys.argv[1:]
    computing = Computing(Path(path), engine)
    try:
        from datetime import date

        from xl_econ.workbook import rate_card

        from .run import examine
        from .subject import Subject

        with rate_card.using(Path(card) if card else None):
            subject = Subject(Path(path), computing, date.fromisoformat(as_of) if as_of else None)
            found = examine(subject, only, cells == "1")
        listed = {
            "findings": [_plain(f) for f in found.findings],
            "accepted": [(_plain(a.finding), a.reason, a.name, a.date) for a in found.accepted],
            "cells": found.cells,
        }
        sys.stdout.write(json.dumps(listed, separators=(",", ":")))  # in one piece, which json writes ten times as fast
    except BaseException as e:  # a lack of memory is no Exception in every library
        computing.tell(None)
        reason = f"{e}".replace("\n", " ").removeprefix(f"{path}: ")
        print(reason or type(e).__name__, file=sys.stderr)  # noqa: T201
        child.leave(1)
    child.leave(0)  # while the subject is still held


def _plain(f: Finding) -> list[Any]:
    return [*vars(f).values()][1:]


if __name__ == "__main__":
    main()
