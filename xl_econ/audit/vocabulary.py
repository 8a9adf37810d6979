"""What people call the quantities of AI compute economics: kinds of figures, the words for them, units and bounds.

The words are in vocabulary.csv, the special kinds before the general: the first that fits is taken. `said` is looked
for in a label in small letters, `never` and, where `about` says so, the words below in what is left of it.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import get_args

from xl_econ.core import quantities
from xl_econ.core.quantity import Quantity
from xl_econ.core.units import parse

from .units import Measure

# With these a figure is about another figure: how it changes, where its limits are, what it costs.
_ABOUT = (
    r"chang|delta|\bvs\b|versus|improv|increase|decrease|reduction|growth|varianc|saving|less\b|effect|impact|error|uplift|"
    r"differ|\bplus\b|\bcheck|\bwithin\b|loss|target|sensitivit|elasticit|lowest|highest|break-?even|point|score|rank|"
    r"weight|decline|premium|correlat"
)
_RATE = r"per |/|price|cost|\$|usd|rate|second|\btps\b"
_LONGEST = 160  # characters of a label
_NUMBER = re.compile(r"(?<=[A-Za-z] )[0-9]+$")  # that a label ends in, and no word of the vocabulary does


@dataclass(frozen=True)
class Kind:
    """A kind of figure.

    Attributes:
        name: What rules call it.
        quantity: Its unit and bounds.
        words: What it is called, as a pattern; `said` is it, compiled when a label is first looked at.
        other_words: Words with which it is something else, "" for none; `never` when one of its own is found.
        needs: Whether a cell must say a unit of this kind besides, because the words alone are too common.
        otherwise: The kind that the same words mean where the figure is an amount of money.
    """

    name: str
    quantity: Quantity
    words: str
    other_words: str
    needs: bool
    otherwise: str

    @cached_property
    def is_share(self) -> bool:
        return self.quantity.unit in ("share", "ratio")

    @cached_property
    def said(self) -> re.Pattern[str]:
        return re.compile(self.words)

    @cached_property
    def never(self) -> re.Pattern[str] | None:
        return re.compile(self.other_words) if self.other_words else None

    @cached_property
    def measure(self) -> Measure:
        return Measure.of(parse(self.quantity.unit))


def _read() -> tuple[Kind, ...]:
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return tuple(map(_kind, csv.DictReader(file)))


def _kind(row: dict[str, str]) -> Kind:
    about = {"any": _ABOUT + "|cost of", "but cost": _ABOUT}.get(row["about"], "")
    never = "|".join(filter(None, (about, row["never"].replace("RATE", _RATE))))
    quantity = get_args(getattr(quantities, row["quantity"]))[1]
    return Kind(row["kind"], quantity, row["said"], never, bool(row["needs_unit"]), row["otherwise"])


KINDS = _read()
BY_NAME = {k.name: k for k in KINDS}


@lru_cache(1 << 16)
def recognise(text: str) -> Kind | None:
    """The kind of figure that a label or heading announces; None: none that is known."""
    if not text or len(text) > _LONGEST:
        return None
    return _announced(_NUMBER.sub("1", text))  # Cluster 1 to Cluster 999 announce the same


@lru_cache(1 << 16)
def _announced(text: str) -> Kind | None:
    plain = re.sub(r"[_\s]+", " ", text).strip().casefold()
    for kind in KINDS:
        if kind.said.search(plain) and not (kind.never and kind.never.search(kind.said.sub(" ", plain))):
            return kind
    return None
