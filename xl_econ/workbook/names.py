"""Defined names put into the workbook part of a package, with nothing else of it touched."""

from __future__ import annotations

import re
from collections.abc import Mapping

from xl_econ.core.errors import WorkbookError

from .cell import ATTRIBUTES, storable

_NAMES = re.compile(r"<((?:[\w.-]+:)?)definedNames\s*>.*?</\1definedNames\s*>", re.S)
_BEFORE = re.compile(r"</((?:[\w.-]+:)?)(?:sheets|functionGroups|externalReferences)\s*>")
_NAMED = re.compile(r"""\sname\s*=\s*["']([^"']+)["']""")


def with_names(part: bytes, names: Mapping[str, str]) -> bytes:
    """The part with some names added, or with other contents where it has them already.

    Raises:
        WorkbookError: The part has no sheets.
    """
    text = part.decode("utf-8")
    found = _NAMES.search(text)
    if found is None:
        places = list(_BEFORE.finditer(text))
        if not places:
            raise WorkbookError("xl/workbook.xml has no sheets")
        prefix, at = places[-1][1], places[-1].end()
        text = f"{text[:at]}<{prefix}definedNames></{prefix}definedNames>{text[at:]}"
        found = _NAMES.search(text)
    block, prefix = (found[0], found[1]) if found else ("", "")
    left = dict(names)

    def other(m: re.Match[str]) -> str:
        named = _NAMED.search(m[1])
        if named is None or "localSheetId" in m[1] or named[1] not in left:
            return m[0]
        return f"<{prefix}definedName{m[1]}>{storable(left.pop(named[1]), named[1])}</{prefix}definedName>"

    fresh = re.sub(rf"<{prefix}definedName(?=\s)({ATTRIBUTES})>[^<]*</{prefix}definedName\s*>", other, block)
    added = "".join(
        f'<{prefix}definedName name="{name}">{storable(content, name)}</{prefix}definedName>'
        for name, content in left.items()
    )
    end = fresh.rindex("</")
    return text.replace(block, fresh[:end] + added + fresh[end:], 1).encode()
