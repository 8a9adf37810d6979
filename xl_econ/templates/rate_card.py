"""The rate card as a workbook: every reference table as a sheet to edit, and a cover that says how it is used."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from xl_econ import __version__
from xl_econ.tables.store import RATE_CARD
from xl_econ.workbook.rate_card import VARIABLE

from . import tables
from .build import writing
from .canvas import Canvas
from .styles import Styles

NAME = "rate_card"
ABOUT = "Every reference table as a sheet to edit: put your own prices and figures in place of the shipped ones."
_PURPOSE = (
    "Your prices, accelerators and benchmarks in one file. Where it is in use, functions, command line and templates "
    "read its tables instead of the shipped ones."
)
_STEPS = (
    "Type over blue figures, add rows below, delete rows. The name, the headings and the units of a table stay.",
    "Give every row its source, its date and a grade: A provider or primary, B transcription, C list or average, "
    "D unsourced.",
    "Delete the sheet of a table that you do not maintain: the shipped rows then count, also those of later versions.",
    "Check it: xl-econ tables --rate-card FILE names the sheet and cell of anything that cannot be accepted.",
    "Use it: --rate-card FILE on a command, xl_econ.use_rate_card(FILE) in Python, or the environment variable "
    f"{VARIABLE} for everything, Excel's functions included.",
)


def build(path: Path, force: bool = False) -> None:
    """Write the rate card with the rows in use: the shipped ones, or those of a rate card and the shipped rest.

    Args:
        path: Where to; replaced only when the new file is whole.
        force: Replace a workbook that somebody has edited.

    Raises:
        WorkbookError: The file cannot be written.
    """
    with writing(path, force) as workbook:
        workbook.set_properties(
            {
                "title": "Rate card",
                "subject": ABOUT,
                "comments": f"xl-econ {__version__}, {NAME}",
                "created": datetime.fromisoformat((_as_of() + "-01-01")[:10]),  # not now: same rows, same bytes
            }
        )
        style = Styles(workbook)
        cover = workbook.add_worksheet("Cover")
        _cover(cover, style)
        for t in RATE_CARD.values():
            tables.write(workbook.add_worksheet(t.sheet), style, t, t.sheet, _sentence(t.about))
        cover.activate()


def _cover(ws: Any, style: Styles) -> None:
    """Purpose, owner, how to use it, and the sheets with their rows."""
    c = Canvas(ws, style, (3, 24, 12, 16, 70), wide=False)
    c.ws.set_row(0, 34)
    c.text("B1", "Rate card", "title")
    c.text("B2", ABOUT, "about")
    c.text("B4", "Purpose")
    c.merged("C4:E4", _PURPOSE, "input_text")
    c.ws.set_row(3, 28)
    c.text("B5", "Owner")
    c.merged("C5:E5", "", "input_text")
    c.text("B6", "Figures as of")
    c.merged("C6:E6", _as_of(), "label")
    c.section(8, "How to use it", "BCDE")
    for row, step in enumerate(_STEPS, 9):
        c.text(f"B{row}", f"Step {row - 8}", "wrap")
        c.merged(f"C{row}:E{row}", step, "wrap")
        c.ws.set_row(row - 1, 28 if len(step) > 100 else 15)
    row = 10 + len(_STEPS)
    c.section(row, "Sheets", "BCDE")
    c.text(f"C{row}", "Rows", "section")
    c.text(f"D{row}", "Key", "section")
    for t in RATE_CARD.values():
        row += 1
        c.ws.write_url(f"B{row}", f"internal:'{t.sheet}'!A1", style("contents"), t.sheet)
        c.number(f"C{row}", float(len(t.rows)), "limit", "0")
        c.text(f"D{row}", t.key, "unit")
        c.text(f"E{row}", _sentence(t.about))
    c.text(f"B{row + 2}", "Built by")
    c.merged(f"C{row + 2}:E{row + 2}", f"xl-econ {__version__}", "label")


def _as_of() -> str:
    """The date of the youngest figure."""
    return max(row.as_of for t in RATE_CARD.values() for row in t.rows.values())


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
