"""The sheet `_IntelliSense_`: help of functions and arguments, one function a row.

The add-in reads it when it loads, for the Insert Function dialog; the free Excel-DNA IntelliSense add-in reads it, if
it is there, and shows the help while a formula is typed. It asks for the last sheet of that name, the word FunctionInfo
in A1, and in a row: name, description, help page, and then name and description of each argument.
"""

from __future__ import annotations

from .functions import functions

SHEET = "_IntelliSense_"


def rows() -> list[list[str]]:
    """The sheet's cells."""
    found = [
        [f.name, f.help, "", *(text for a in f.arguments for text in (_shown(a.name, a.optional), a.help))]
        for f in functions()
    ]
    return [["FunctionInfo"], *found]


def _shown(name: str, optional: bool) -> str:
    return f"[{name}]" if optional else name
