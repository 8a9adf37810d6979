"""The defined names of a workbook's package: read with scope and comment, added and dropped, nothing else touched."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from xl_econ.core.errors import WorkbookError

from .cell import characters, elements, storable

_CONTAINER = re.compile(r"<((?:[\w.-]+:)?)definedNames(?=[\s/>])[^>]*?(?:/>|(?<!/)>(.*?)</\1definedNames\s*>)", re.S)
# What may stand before the names; the last of them that is there.
_BEFORE = re.compile(
    r"</((?:[\w.-]+:)?)(?:sheets|functionGroups|externalReferences)\s*>|<((?:[\w.-]+:)?)externalReferences\s*/>"
)
_ATTRIBUTE = re.compile(r"""([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_NAME = re.compile(r"[^\W\d][\w.?\\]*")


@dataclass(frozen=True)
class Defined:
    """A defined name.

    Attributes:
        name: As the Name Manager shows it.
        content: What it stands for, without an equals sign.
        comment: What the Name Manager shows beside it.
        scope: Number of the sheet that it belongs to, from 0; None for the whole workbook.
        plain: Whether it is nothing but a name: no macro, hidden name or function of an old sheet.
    """

    name: str
    content: str
    comment: str = ""
    scope: int | None = None
    plain: bool = True


def defined(part: str) -> list[Defined]:
    """The names of `xl/workbook.xml`, in its order."""
    return [name for _, name in _found(part)]


def _found(part: str) -> Iterator[tuple[re.Match[str], Defined]]:
    container = _CONTAINER.search(part)
    if container is None or not container[2]:
        return
    for m in elements(container[1], "definedName", part, container.start(2), container.end(2)):
        held = {a[1]: html.unescape(a[2] if a[2] is not None else a[3]) for a in _ATTRIBUTE.finditer(m[1])}
        scope, others = held.get("localSheetId"), set(held) - {"name", "comment", "localSheetId", "xml:space"}
        content = characters(m[2] or "").strip().removeprefix("=")
        number = int(scope) if scope is not None else None
        yield m, Defined(held.get("name", ""), content, held.get("comment", ""), number, not others)


def with_names(part: str, added: Iterable[Defined] = (), dropped: Collection[str] = ()) -> str:
    """The part with some names of the whole workbook dropped, and others added at the end.

    Args:
        part: `xl/workbook.xml`.
        added: Names that are not there, or are dropped.
        dropped: Names, in any case.

    Raises:
        WorkbookError: The part has no sheets.
    """
    gone = {name.casefold() for name in dropped}
    spans = [m.span() for m, d in _found(part) if d.scope is None and d.name.casefold() in gone]
    for start, end in reversed(spans):
        part = part[:start] + part[end:]
    written = list(added)
    container = _CONTAINER.search(part)
    if container is not None and not (container[2] or "").strip() and not written:
        return part[: container.start()] + part[container.end() :]  # an empty list is no list to Excel
    if not written:
        return part
    if container is None:
        return _inserted(part, written)
    prefix = container[1]
    texts = "".join(_element(prefix, d) for d in written)
    if container[2] is None:  # <definedNames/>
        whole = f"<{prefix}definedNames>{texts}</{prefix}definedNames>"
        return part[: container.start()] + whole + part[container.end() :]
    return part[: container.end(2)] + texts + part[container.end(2) :]


def with_contents(part: str, contents: Mapping[str, str]) -> str:
    """The part with some names of the whole workbook added, or with other contents where it has them already.

    Raises:
        WorkbookError: The part has no sheets.
    """
    left = dict(contents)
    for m, d in reversed(list(_found(part))):
        if d.scope is None and d.name in left:
            inside = m.start(2), m.end(2)
            part = part[: inside[0]] + storable(left.pop(d.name), d.name) + part[inside[1] :]
    return with_names(part, [Defined(name, content) for name, content in left.items()])


def _inserted(part: str, written: list[Defined]) -> str:
    places = list(_BEFORE.finditer(part))
    if not places:
        raise WorkbookError("xl/workbook.xml has no sheets")
    prefix, at = places[-1][1] or places[-1][2] or "", places[-1].end()
    texts = "".join(_element(prefix, d) for d in written)
    return f"{part[:at]}<{prefix}definedNames>{texts}</{prefix}definedNames>{part[at:]}"


def _element(prefix: str, d: Defined) -> str:
    if not _NAME.fullmatch(d.name):
        raise WorkbookError(f"{d.name!r} can be no name")
    comment = f' comment="{html.escape(d.comment)}"' if d.comment else ""
    return f'<{prefix}definedName name="{d.name}"{comment}>{storable(d.content, d.name)}</{prefix}definedName>'
