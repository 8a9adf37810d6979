"""Findings as SARIF 2.1.0, the form in which pipelines and code hosts take them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from xl_econ.workbook.cell import cell_at

from .baseline import Compared
from .registry import Accepted, Finding, every

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def sarif(
    files: Sequence[str], compared: Compared, accepted: Sequence[Accepted], version: str, baseline: bool = False
) -> dict[str, Any]:
    """A SARIF log of one run.

    Args:
        files: The workbooks.
        compared: Their findings, against a baseline if there is one.
        accepted: The findings that are accepted in the workbooks; here they are suppressed, with their reasons.
        version: Of this program.
        baseline: Whether there was one, so that every result says its state.
    """
    rules = list(every())
    states = (("new", compared.new), ("unchanged", compared.known), ("absent", compared.expired))
    results = [
        _result(f, rules) | ({"baselineState": state} if baseline else {})
        for state, found in states
        for f in found
        if f.check in every()
    ]
    for a in accepted:
        why = {
            "kind": "inSource",
            "status": "accepted",
            "justification": f"{a.reason} ({a.name}, {a.date or 'undated'})",
        }
        results.append(_result(a.finding, rules) | {"suppressions": [why]})
    driver = {
        "name": "xl-econ",
        "semanticVersion": version,
        "informationUri": "https://github.com/xl-econ/xl-econ",
        "rules": [_rule(name) for name in rules],
    }
    run = {
        "tool": {"driver": driver},
        "artifacts": [{"location": {"uri": _uri(f)}, "mimeType": _TYPE} for f in files],
        "results": results,
        "columnKind": "unicodeCodePoints",
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str) -> dict[str, Any]:
    c = every()[name]
    return {
        "id": name,
        "shortDescription": {"text": c.meaning},
        "help": {"text": f"What to do: {c.remedy}."},
        "defaultConfiguration": {"level": _LEVELS[c.severity]},
    }


def _result(f: Finding, rules: list[str]) -> dict[str, Any]:
    place: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": _uri(f.file)}}}
    if f.sheet:
        named = {"fullyQualifiedName": f.place, "kind": "cell" if f.cell else "sheet"}
        place["logicalLocations"] = [named | ({"decoratedName": f.label} if f.label else {})]
    if f.cell and ":" not in f.cell:
        # Code hosts want a line: row and column of the cell are the nearest thing that a workbook has.
        row, column = cell_at(f.cell)
        place["physicalLocation"]["region"] = {"startLine": row, "startColumn": column}
    identity = "\0".join((f.check, f.sheet, f.label or f.cell))
    return {
        "ruleId": f.check,
        "ruleIndex": rules.index(f.check),
        "level": _LEVELS[f.severity],
        "message": {"text": f"{f.place}: {f.message}"},
        "locations": [place],
        "partialFingerprints": {"cell/v1": hashlib.sha256(identity.encode()).hexdigest()[:32]},
        "properties": {"sheet": f.sheet, "cell": f.cell, "value": f.value, "expected": f.expected},
    }


def _uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
