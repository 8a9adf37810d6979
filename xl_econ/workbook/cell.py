"""Values and addresses of cells as the XML of a worksheet writes them."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from xl_econ.core.errors import WorkbookError

Value = float | int | str | bool | None
CELL_TEXT = 32_767  # characters that a cell holds
ROWS, COLUMNS = 1_048_576, 16_384
# The error values that a cell's stored result may be without further parts of the package that explain it.
STORABLE_ERRORS = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A")
ATTRIBUTES = r"""[^<>"']*+(?:"[^"<]*"[^<>"']*+|'[^'<]*'[^<>"']*+)*+"""
# Atomic: what has been taken for a comment is never tried as anything else, which would double the work each time.
SKIP = r"(?><!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>)"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_SURROGATE = "\ud800"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_OF_FILE = re.compile(r"(?<![\w.])(?:_xl(?:fn|ws|pm|op|udf)\.)+")


class At(NamedTuple):
    """A cell by the numbers of its row and column, from 1."""

    row: int
    column: int


def elements(prefix: str, name: str, text: str, start: int = 0, end: int | None = None) -> Iterator[re.Match[str]]:
    """The elements of a name, and none in a comment: group 1 are the attributes, group 2 the content."""
    found = _element(prefix, name).finditer(text, start, len(text) if end is None else end)
    return (m for m in found if m[1] is not None)


@cache
def _element(prefix: str, name: str) -> re.Pattern[str]:
    tag = re.escape(prefix) + name
    content = rf"(?:[^<]++|{SKIP}|<(?!/{tag}\s*>|!--|!\[CDATA\[|\?))*+"
    return re.compile(rf"{SKIP}|<{tag}(?=[\s/>])({ATTRIBUTES})(?:(?<=/)>|(?<!/)>({content})</{tag}\s*>)", re.S)


def written(prefix: str, value: Value, formula: bool, where: str) -> tuple[str, str]:
    """The t attribute and the element of a value."""

    def v(text: str) -> str:
        return f"<{prefix}v>{text}</{prefix}v>"

    if value is None:
        return "", ""
    if isinstance(value, bool):
        return ' t="b"', v(str(int(value)))
    if isinstance(value, str):
        text = storable(value, where)
        if formula:
            return (' t="e"' if value in STORABLE_ERRORS else ' t="str"'), v(text)
        return ' t="inlineStr"', f'<{prefix}is><{prefix}t xml:space="preserve">{text}</{prefix}t></{prefix}is>'
    if not math.isfinite(value):
        raise WorkbookError(f"{where} = {value}: a cell holds no such number")
    return "", v(number(value))


def number(value: float) -> str:
    """A number as it is stored: the shortest text that reads back as the same number."""
    text = repr(float(value))
    return text.removesuffix(".0")


def unstorable(text: str) -> str | None:
    """Why a cell cannot hold a text: it would be cut, or make the workbook unreadable."""
    if len(text) > CELL_TEXT:
        return f"{len(text):,} characters; a cell holds {CELL_TEXT:,}"
    if found := _CONTROL.search(text):
        return f"holds {found[0]!a}, which is {'no' if found[0] >= _SURROGATE else 'a control'} character"
    return None


def storable(text: str, where: str) -> str:
    """A text as XML, whatever it begins with.

    Raises:
        WorkbookError: A text that a cell cannot hold.
    """
    if reason := unstorable(text):
        raise WorkbookError(f"{where}: {reason}")
    # The format has an escape of its own, which a text that looks like one would set off.
    return html.escape(_ESCAPED.sub(r"_x005F_x\1_", text), quote=False)


def unescaped(text: str) -> str:
    """A text without the escapes of the format."""
    return _ESCAPED.sub(lambda m: chr(int(m[1], 16)), text) if "_x" in text else text


def as_shown(formula: str) -> str:
    """A formula as Excel shows it: without the prefixes that newer functions, and names of a LET, have in the file."""
    return _OF_FILE.sub("", formula) if "_xl" in formula else formula


def characters(content: str) -> str:
    """The characters of an element: entities and CDATA resolved, comments dropped."""
    if "<" not in content:
        return html.unescape(content) if "&" in content else content
    parts = re.split(r"(<!\[CDATA\[.*?\]\]>|<!--.*?-->|<\?.*?\?>)", content, flags=re.S)
    return "".join(
        p[9:-3] if p.startswith("<![CDATA[") else "" if p.startswith("<") else html.unescape(p) for p in parts
    )


def inline_text(content: str, prefix: str) -> str:
    """The text of a string item: its runs one after the other, without phonetic hints."""
    content = re.sub(rf"<{re.escape(prefix)}rPh(?=[\s/>]).*?</{re.escape(prefix)}rPh\s*>", "", content, flags=re.S)
    return unescaped("".join(characters(m[2] or "") for m in elements(prefix, "t", content)))


def column_number(letters: str) -> int:
    """Number of a column, from 1."""
    found = 0
    for letter in letters.upper():
        found = found * 26 + ord(letter) - 64
    return found


def cell_at(reference: str) -> At:
    """The cell of a text such as $B$12.

    Raises:
        WorkbookError: No cell.
    """
    found = re.fullmatch(r"\$?([A-Za-z]{1,3})\$?([1-9]\d{0,6})", reference)
    if found is None:
        raise WorkbookError(f"{reference!r} is no cell")
    return At(int(found[2]), column_number(found[1]))


def address(cell: At) -> str:
    """A cell as text: B12."""
    return f"{_letters(cell.column)}{cell.row}"


@cache
def column_names() -> tuple[str, ...]:
    """The letters of every column, by number; there is no column 0."""
    return tuple(_letters(n) for n in range(COLUMNS + 1))


@cache
def _letters(column: int) -> str:
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
