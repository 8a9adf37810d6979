"""The child process of `recalc`: runs one engine over one workbook and prints its values as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .bare import bare
from .child import limit_memory

Found = tuple[str, int, int, Any]  # sheet, row, column, value

# Without this LibreOffice shows the values that are stored in the file and recalculates nothing.
_RECALCULATE_ON_LOAD = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"""


def ironcalc(path: Path, filled: Sequence[tuple[str, int, int]] = ()) -> Iterator[Found]:
    """Values of all formula cells as IronCalc computes them, and of the cells that array formulas fill."""
    import ironcalc as ic

    try:
        model = ic.load_from_xlsx(str(path), "en", "UTC")
    except Exception:
        with tempfile.TemporaryDirectory() as folder:
            bare(path, copy := Path(folder, "bare.xlsx"))
            model = ic.load_from_xlsx(str(copy), "en", "UTC")
    model.evaluate()
    sheets = [s["name"] for s in model.get_worksheets_properties()]
    for sheet, row, column in model.get_all_cells():
        if model.get_cell_formula(sheet, row, column) is not None:
            yield sheets[sheet], row, column, model.get_cell_value(sheet, row, column)
    for name, row, column in filled:
        yield name, row, column, model.get_cell_value(sheets.index(name), row, column)


def libreoffice(path: Path, _filled: Sequence[tuple[str, int, int]] = ()) -> Iterator[Found]:
    """Values of all formula cells as LibreOffice computes them, in a profile of its own."""
    from xl_econ.workbook.recalc import libreoffice as program
    from xl_econ.workbook.scan import scan

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
        )
        saved = Path(folder, "out", path.with_suffix(".xlsx").name)
        if not saved.exists():
            raise OSError(done.stderr.decode(errors="replace").strip() or "no file was written")
        for sheet, cell in scan(saved).formulas():
            yield sheet.name, cell.row, cell.column, cell.stored


def main() -> int:
    """Entry point: engine and path from the command line, JSON to standard output, one line of error.

    The standard input lists the cells that array formulas fill.
    """
    engine, path = sys.argv[1:]
    limit_memory()
    # Engines print what they stumble over; only what is found may stand in the output.
    out = os.dup(1)
    os.dup2(2, 1)
    try:
        filled = json.load(sys.stdin)
        found = list({"ironcalc": ironcalc, "libreoffice": libreoffice}[engine](Path(path), filled))
    except BaseException as e:  # an engine's panic is no Exception
        print(f"{e}".replace("\n", " ") or type(e).__name__, file=sys.stderr)  # noqa: T201
        return 1
    with os.fdopen(out, "w") as output:
        json.dump(found, output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
