"""What a workbook says of itself in its document properties: the template, and a hash of everything that filled it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xl_econ import __version__

from .layout import CASES, Layout, Origin, table
from .model import Model
from .parts import LIVE, InputRow

_COMMENT = re.compile(r"xl-econ (\S+), template (\w+) ([\w.]+), (\w+)(?:, inputs ([0-9a-f]+))?")
_COVER = re.compile(r"(\w+) ([\w.]+), (\w+) flavour")


@dataclass(frozen=True)
class Stamp:
    """The template that a workbook was built from, by name, version and flavour."""

    template: str
    version: str
    flavour: str
    inputs: str = ""


def comment(layout: Layout, flavour: str, inputs: str) -> str:
    """The text that stands in the document properties."""
    return f"xl-econ {__version__}, template {layout.name} {layout.version}, {flavour}, inputs {inputs}"


def from_comment(text: str) -> Stamp | None:
    """The stamp of a text in the document properties, if it is one."""
    found = _COMMENT.search(text)
    return Stamp(found[2], found[3], found[4], found[5] or "") if found else None


def from_cover(text: str) -> Stamp | None:
    """The stamp of the line that the Cover shows, if it is one."""
    found = _COVER.fullmatch(text.strip())
    return Stamp(*found.groups()) if found else None


def tables_hash(layout: Layout) -> str:
    """A hash of the tables that a template's workbook holds, as they are in use."""
    held = [[t.name, [row.model_dump(mode="json") for row in table(t).rows.values()]] for t in layout.tables]
    return _hash(held)


def inputs_hash(model: Model, texts: Mapping[str, str], tables: str) -> str:
    """A hash of all that fills a workbook: values of every case, origins, the live case, texts, tables."""
    values = {case: model.values(case) for case in model.cases}
    origins = {x.input.key: x.origin for x in model.inputs if isinstance(x, InputRow)}
    return hash_of(values, origins, model.selected, texts, tables)


def hash_of(
    values: Mapping[str, Mapping[str, Any]],
    origins: Mapping[str, Origin],
    selected: str,
    texts: Mapping[str, str],
    tables: str,
) -> str:
    """The same from values that were computed without a model."""
    cases = [c for c in values if c != LIVE]
    held = [[key, [values[c][key] for c in cases], o.source, o.as_of, o.grade] for key, o in origins.items()]
    named = [] if tuple(cases) == CASES else [cases]
    return _hash([held, selected, sorted(t for t in texts.items() if t[1]), tables, *named])


def _hash(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, ensure_ascii=False).encode()).hexdigest()[:16]
