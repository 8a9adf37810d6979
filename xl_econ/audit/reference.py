"""The checks as a Markdown page, from their registry: generated and never edited."""

from __future__ import annotations

import sys

from xl_econ.printers import markdown

from . import acceptances, checks  # noqa: F401  (they register themselves)
from .registry import CHECKS, Check

_ABOUT = """# Checks of the audit

`xl-econ audit` examines a workbook with all of these; `--check ID` takes one alone, `--list` prints them. An error
means that the number is wrong or cannot be trusted; a warning, that somebody should look; info is for the record. One
finding may weigh less or more than its check, and says so. [The evidence of an audit](evidence.md) says how a finding
is reported, known again and accepted.
"""


def page() -> str:
    """Every check with its severity, meaning and remedy, a table for every module."""
    found: dict[str, list[Check]] = {}
    for c in sorted(CHECKS.values(), key=lambda c: c.run.__module__):  # whatever was imported first
        found.setdefault(_about(c), []).append(c)
    return "\n".join([_ABOUT, *(f"## {about}\n\n{_table(held)}\n" for about, held in found.items())])


def _about(c: Check) -> str:
    """What the module of a check is about, as its docstring begins."""
    said = sys.modules[c.run.__module__].__doc__ or ""
    return said.partition("\n")[0].partition(":")[0].rstrip(".")


def _table(found: list[Check]) -> str:
    rows = [[f"`{c.id}`", c.severity, c.meaning, c.remedy[0].upper() + c.remedy[1:]] for c in found]
    return markdown.table(["check", "severity", "what a finding means", "what to do"], rows)
