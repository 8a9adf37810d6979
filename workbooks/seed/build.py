"""Writes seed_as_written.xlsx: the seed's tables, with headings and values as an analyst would type them in.

Usage: python workbooks/seed/build.py [OUTPUT]
"""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

HERE = Path(__file__).parent
TEXT = HERE / "seed_as_written.md"
_WIDEST = 60
_RULE = re.compile(r"\|[-|: ]+\|")


def main(output: Path = HERE / "seed_as_written.xlsx") -> None:
    """One sheet for every chapter; under its title every table, formula and sentence of a section, in their order."""
    book = xlsxwriter.Workbook(str(output), {"strings_to_formulas": False})
    book.set_properties({"title": "The seed's tables as written", "created": datetime(2025, 1, 1)})
    looks = {
        "title": book.add_format({"bold": True, "font_size": 13}),
        "heading": book.add_format({"bold": True, "bottom": 1, "bg_color": "#DDE5EE", "text_wrap": True}),
        "cell": book.add_format({"valign": "top"}),
        "note": book.add_format({"italic": True}),
    }
    for chapter in re.split(r"^## ", TEXT.read_text("utf-8"), flags=re.M)[1:]:
        name, _, text = chapter.partition("\n")
        _sheet(book.add_worksheet(name.strip()), text.splitlines(), looks)
    book.close()


def _sheet(sheet: Any, lines: list[str], looks: dict[str, Any]) -> None:
    row, widths, heading = 0, {0: 20}, True
    for line in (ln for ln in lines if not ln.startswith("```")):
        if line.startswith("### "):
            sheet.write_string(row, 0, line[4:], looks["title"])
            heading = True
        elif _RULE.fullmatch(line.strip()):
            heading = False
            continue
        elif line.startswith("|"):
            for column, text in enumerate(c.strip().replace("**", "") for c in line.strip("|").split("|")):
                look = looks["heading" if heading else "cell"]
                if text.isdigit():
                    sheet.write_number(row, column, int(text), look)
                else:
                    sheet.write_string(row, column, text, look)
                widths[column] = max(widths.get(column, 0), min(len(text) + 2, _WIDEST))
        elif line.strip():
            sheet.write_string(row, 0, line.strip(), looks["note"])
            heading = True
        row += 1
    for column, width in widths.items():
        sheet.set_column(column, column, width)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
