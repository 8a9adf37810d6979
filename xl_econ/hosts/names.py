"""The Name Manager host: every metric as a LAMBDA that Excel 365 calls by name on any platform, without Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xl_econ.core.registry import Metric
from xl_econ.metrics import REGISTRY
from xl_econ.printers.excel import lambda_

COMMENT_LIMIT = 255  # of a name's comment, in Excel


@dataclass(frozen=True)
class Name:
    """A defined name: what the Name Manager shows, and what the file holds."""

    name: str
    formula: str
    file_formula: str
    comment: str


def name(m: Metric) -> Name:
    """The LAMBDA of one metric."""
    comment = f"{m.doc.summary} {m.signature}"
    return Name(m.name, "=" + lambda_(m), "=" + lambda_(m, file=True), comment[:COMMENT_LIMIT])


def names(metrics: Iterable[Metric] | None = None) -> list[Name]:
    """The LAMBDAs of all metrics, in the order of the alphabet."""
    return [name(m) for m in sorted(metrics or REGISTRY.values(), key=lambda m: m.name)]
