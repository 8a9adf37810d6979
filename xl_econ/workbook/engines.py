"""The child process of `recalc`: runs one engine over one workbook and prints its values as JSON."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

from .bare import bare, with_blanks
from .child import end_together, leave, limit_memory
from .read import refuse_large_areas
from .values import Place, Rectangle, packed

Found = tuple[str, int, int, Any]  # sheet, row, column, value


class Asked(NamedTuple):
    """What is asked for: values of rectangles, or else of every formula and of array formulas' further cells."""

    filled: Sequence[Place] = ()
    rectangles: Sequence[Rectangle] | None = None


class Answer(NamedTuple):
    """What an engine gives: values with their places, or those of the rectangles in their order."""

    found: Iterable[Found] = ()
    values: Iterable[Any] = ()


# Without this LibreOffice shows the values that are stored in the file and recalculates nothing.
_RECALCULATE_ON_LOAD = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"""


def ironcalc(path: Path, asked: Callable[[], Asked] = Asked) -> Answer:
    """Values as IronCalc computes them; what is asked for is looked at when they are there."""
    import ironcalc as ic

    with contextlib.ExitStack() as kept:
        folder = cache(lambda: Path(kept.enter_context(tempfile.TemporaryDirectory())))
        read = with_blanks(path, lambda: folder() / "blanks.xlsx")
        try:
            model = ic.load_from_xlsx(str(read), "en", "UTC")
        except Exception:
            bare(read, copy := folder() / "bare.xlsx")
            model = ic.load_from_xlsx(str(copy), "en", "UTC")
    model.evaluate()
    sheets = [s["name"] for s in model.get_worksheets_properties()]
    filled, rectangles = asked()
    if rectangles is not None:
        return Answer(values=_in_rectangles(model, sheets, rectangles))
    places = [at for at in model.get_all_cells() if model.get_cell_formula(*at) is not None]
    places += [(sheets.index(name), row, column) for name, row, column in filled]
    return Answer((sheets[n], row, column, model.get_cell_value(n, row, column)) for n, row, column in places)


def _in_rectangles(model: Any, sheets: Sequence[str], rectangles: Sequence[Rectangle]) -> Iterator[Any]:
    """The values of rectangles of copies; None where the engine does not know the formula."""
    number = {name: n for n, name in enumerate(sheets)}
    formula, value = model.get_cell_formula, model.get_cell_value
    for name, top, bottom, left, right in rectangles:
        n = number.get(name)
        if n is None or formula(n, top, left) is None or formula(n, bottom, right) is None:
            yield from repeat(None, (bottom - top + 1) * (right - left + 1))
        else:
            for row in range(top, bottom + 1):
                for column in range(left, right + 1):
                    yield value(n, row, column)


def libreoffice(path: Path, _asked: Callable[[], Asked] = Asked) -> Answer:
    """Values of all formula cells as LibreOffice computes them, in a profile of its own."""
    from xl_econ.workbook.recalc import libreoffice as program
    from xl_econ.workbook.scan import scan

    refuse_large_areas(path)
    with tempfile.TemporaryDirectory() as folder:
        user = Path(folder, "profile", "user")
        user.mkdir(parents=True)
        (user / "registrymodifications.xcu").write_text(_RECALCULATE_ON_LOAD)
        done = subprocess.run(  # noqa: S603
            [
                str(program()),
                "--headless",
                f"-env:UserInstallation={user.parent.as_uri()}",
                "--convert-to",
                "xlsx:Calc MS Excel 2007 XML",
                "--outdir",
                str(Path(folder, "out")),
                str(path),
            ],
            capture_output=True,
            check=False,
            env=os.environ | {"TMPDIR": folder},
        )
        saved = Path(folder, "out", path.with_suffix(".xlsx").name)
        if not saved.exists():
            raise OSError(done.stderr.decode(errors="replace").strip() or "no file was written")
        return Answer([(sheet.name, cell.row, cell.column, cell.stored) for sheet, cell in scan(saved).formulas()])


def main() -> int:
    """Entry point: engine and path from the command line, what is asked for from the standard input as JSON.

    Prints every value with its place as JSON, those of rectangles without it and packed; or one line of error.
    """
    engine, path = sys.argv[1:]
    limit_memory()
    if engine == "libreoffice":
        end_together()
    # Engines print what they stumble over; only what is found may stand in the output.
    out = os.dup(1)
    os.dup2(2, 1)
    try:
        asked = cache(lambda: Asked(*json.load(sys.stdin)))
        answer = {"ironcalc": ironcalc, "libreoffice": libreoffice}[engine](Path(path), asked)
        said = json.dumps(list(answer.found)).encode() if asked().rectangles is None else packed(answer.values)
    except BaseException as e:  # an engine's panic is no Exception
        reason = f"{e}".replace("\n", " ").removeprefix(f"{path}: ")
        print(reason or type(e).__name__, file=sys.stderr)  # noqa: T201
        return 1
    with os.fdopen(out, "wb") as output:
        output.write(said)
    return 0


if __name__ == "__main__":
    leave(main())
