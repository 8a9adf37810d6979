"""Currencies that do not go together: a figure shown in euros where its unit, label or heading says dollars."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from xl_econ.audit.registry import WARNING, Found, at, check
from xl_econ.audit.subject import Subject

_SIGNS = {
    "USD": re.compile(r"\bus[d$]|\$", re.I),
    "EUR": re.compile(r"\beur(os?)?\b|€", re.I),
    "GBP": re.compile(r"\bgbp\b|£", re.I),
    "CHF": re.compile(r"\bchf\b", re.I),
    "JPY": re.compile(r"\bjpy\b|[¥￥]", re.I),
}
_IN_FORMAT = re.compile(r'\[\$([^\]-]*)[^\]]*\]|"([^"]*)"|([$€£¥])')


@check(
    "currency-clash",
    WARNING,
    "A figure is shown in another currency than its unit, label or heading says: one of the two is wrong",
    "convert the figure, or correct the format or the label that is wrong",
)
def currency_clash(subject: Subject) -> Iterator[Found]:
    """The number format against the words beside and above the figure, the nearest that name a currency."""
    labels = subject.labels
    looks = (each for sheet in subject.book.sheets.values() for each in sheet.census.looks)
    for cell, shown_in in ((c, s) for look, cells in looks if (s := in_format(look.format)) for c in cells):
        if subject.as_built(cell):
            continue
        about = labels.about(cell)
        beside = subject.units(cell.sheet).beside(cell)
        for words in (about.heading, about.unit, beside.text if beside else "", about.row):
            said = _said(words)
            if said and shown_in not in said:
                yield at(cell, f"shown in {shown_in}, but {words!r} says {' and '.join(sorted(said))}")
            if said:
                break


@lru_cache(1 << 10)
def in_format(text: str) -> str:
    """The currency that a number format shows; "" for none, or for one that a plain sign leaves open."""
    for parts in _IN_FORMAT.findall(text.split(";", maxsplit=1)[0]):
        found = _said("".join(parts))
        if found:
            return min(found)
    return ""


@lru_cache(1 << 12)
def _said(text: str) -> frozenset[str]:
    """The currencies that a text names; a key of a column as well."""
    words = text.replace("_", " ")
    return frozenset(name for name, sign in _SIGNS.items() if sign.search(words))
