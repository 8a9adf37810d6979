"""What a workbook says of itself in its document properties: the template, and a hash of everything that filled it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xl_econ import __version__

from .layout import CASES, Layout, Origin, table
from .model import Model
from .parts import InputRow

_COMMENT = re.compile(
    r"xl-econ (?P<program>\S+), template (?P<template>\w+) (?P<version>[\w.]+), (?P<flavour>\w+)"
    r"(?:, inputs (?P<inputs>[0-9a-f]+))?(?:, tables (?P<tables>[0-9a-f]+), layout (?P<layout>[0-9a-f]+))?"
)
_COVER = re.compile(r"(?P<template>\w+) (?P<version>[\w.]+), (?P<flavour>\w+) flavour")
HASHES = {"layout": "Template hash", "inputs": "Inputs hash", "tables": "Tables hash"}


@dataclass(frozen=True)
class Stamp:
    """The template that a workbook was built from, by name, version and flavour, and hashes of what is in it.

    Attributes:
        inputs: Of every input in every case with its source, the live case, the Cover's texts, the tables.
        tables: Of the figures of the tables.
        layout: Of the template's definition.
        program: Version of xl-econ that built it.
    """

    template: str
    version: str
    flavour: str
    inputs: str = ""
    tables: str = ""
    layout: str = ""
    program: str = ""

    @property
    def comment(self) -> str:
        """The text that stands in the document properties."""
        return (
            f"xl-econ {self.program}, template {self.template} {self.version}, {self.flavour}, "
            f"inputs {self.inputs}, tables {self.tables}, layout {self.layout}"
        )

    @property
    def line(self) -> str:
        """The line that the Cover shows."""
        return f"{self.template} {self.version}, {self.flavour} flavour"


def of_model(model: Model, flavour: str, texts: Mapping[str, str]) -> Stamp:
    """The stamp of the workbook of a model."""
    layout = model.layout
    tables = tables_hash(layout)
    inputs = inputs_hash(model, texts, tables)
    return Stamp(layout.name, layout.version, flavour, inputs, tables, layout_hash(layout), __version__)


def from_comment(text: str) -> Stamp | None:
    """The stamp of a text in the document properties, if it is one."""
    return _of(_COMMENT.search(text))


def from_cover(text: str) -> Stamp | None:
    """The stamp of the line that the Cover shows, if it is one."""
    return _of(_COVER.fullmatch(text.strip()))


def _of(found: re.Match[str] | None) -> Stamp | None:
    return Stamp(**{k: v or "" for k, v in found.groupdict().items()}) if found else None


def properties(core: str, stamp: Stamp) -> str:
    """The document properties with another stamp; where they say nothing of us they stay as they are."""
    return _COMMENT.sub(lambda _: stamp.comment, core, count=1)


def layout_hash(layout: Layout) -> str:
    """A hash of a template's definition, whatever its version says."""
    return _hash(layout.model_dump(mode="json"))


def tables_hash(layout: Layout) -> str:
    """A hash of the tables that a template's workbook holds, as they are in use."""
    held = {t.name: table(t) for t in layout.tables}
    return hash_of_tables({n: [[getattr(r, c) for c in t.columns] for r in t.rows.values()] for n, t in held.items()})


def hash_of_tables(held: Mapping[str, Sequence[Sequence[Any]]]) -> str:
    """The same from the figures of each table, row by row in the order of its columns."""
    return _hash([[name, [[_plain(v) for v in row] for row in rows]] for name, rows in held.items()])


def _plain(value: Any) -> Any:
    """A figure as a cell gives it back."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return None if value == "" else value


def inputs_hash(model: Model, texts: Mapping[str, str], tables: str) -> str:
    """A hash of all that fills a workbook: values of every case, origins, the live case, texts, tables."""
    values = {case: model.values(case) for case in CASES}
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
    held = [[key, [_plain(values[c][key]) for c in CASES], o.source, o.as_of, o.grade] for key, o in origins.items()]
    return _hash([sorted(held), selected, sorted(t for t in texts.items() if t[1]), tables])


def _hash(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, ensure_ascii=False).encode()).hexdigest()[:16]
