"""New prices for a table from another source: what changes, row by row, and the table as it would be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xl_econ.core.errors import TableError

from . import genai
from .genai import Model, Prices
from .read import check_rows, fold, index
from .rows import Row
from .table import Table

TIERED = "rates below the first threshold of the prompt length"
RETIRED = "no longer offered; last known rates"
_CLOSE = 1e-9  # relative; a formula's cell may hold 2.4999999999999996
_LONGEST_KEY = 120


@dataclass(frozen=True)
class Change:
    """A figure that changes; `change` is new over old less one, None where there is no such thing."""

    key: str
    column: str
    old: Any
    new: Any
    change: float | None


@dataclass(frozen=True)
class Refresh:
    """What new prices do to a table.

    Attributes:
        table: Name of the table.
        package: The package that the prices are from.
        version: Its version.
        as_of: The day of its data.
        changed: The figures that change.
        added: Keys of new rows.
        missing: Keys of rows that the package does not hold; they are kept.
        own: Keys of rows that have another source than the package, as a contract; they are kept.
        unchanged: How many rows of the package keep their figures.
        rows: The table as it would be; rows of the package have its source and day, changed or not.
    """

    table: str
    package: str
    version: str
    as_of: str
    changed: tuple[Change, ...]
    added: tuple[str, ...]
    missing: tuple[str, ...]
    own: tuple[str, ...]
    unchanged: int
    rows: dict[Any, Row]

    @property
    def is_change(self) -> bool:
        return bool(self.changed or self.added)


def api_prices(table: Table, prices: Prices, all_models: bool = False) -> Refresh:
    """The table of token prices with the prices of the package.

    A row is the package's when its source says so and the package holds its model: the key or an alias, without the
    provider's id in front, at the provider of that name. Every other row stays as it is.

    Args:
        table: The table, with the rows in use.
        prices: What the package holds.
        all_models: Add the other models that the providers in the table offer.

    Raises:
        TableError: The table and the package have nothing in common, or a row cannot be accepted.
    """
    held = {(fold(m.provider), m.id): m for m in prices.models}
    rows: dict[str, dict[str, Any]] = {}
    changed: list[Change] = []
    missing, own, same = [], [], 0
    for key, row in table.rows.items():
        rows[key] = old = row.model_dump()
        if genai.PACKAGE not in row.source:
            own.append(key)
        elif (model := _find(old, held)) is None:
            missing.append(key)
        else:
            new = _updated(old, model, prices.version)
            rows[key] = new
            found = list(_changes(key, old, new))
            changed += found
            same += not found
    if not same and not changed:
        raise TableError(f"{table.name}: {genai.PACKAGE} {prices.version} holds none of its {len(rows)} rows")
    added = dict(_others(rows, prices)) if all_models else {}
    where = f"{table.name} from {genai.PACKAGE} {prices.version}"
    whole = check_rows(table, where, table.columns, (rows | added).values())
    index(whole, lambda _: where)
    lists = (tuple(changed), tuple(added), tuple(missing), tuple(own))
    return Refresh(table.name, genai.PACKAGE, prices.version, prices.as_of, *lists, same, whole)


def _find(row: Mapping[str, Any], held: Mapping[tuple[str, str], Model]) -> Model | None:
    """The package's model of a row."""
    provider = fold(row["provider"])
    for name in (row["model"], *(s.strip() for s in (row["aliases"] or "").split(";"))):
        if found := held.get((provider, name)):
            return found
        host, _, rest = name.partition("/")
        if (found := held.get((provider, rest))) and found.provider_id == host:
            return found
    return None


def _figures(model: Model) -> dict[str, Any]:
    return {
        "input_usd_per_mtok": model.input,
        "cached_input_usd_per_mtok": model.cached,
        "cache_write_usd_per_mtok": model.cache_write,
        "output_usd_per_mtok": model.output,
        "context": model.context,
        "tiered": "yes" if model.tiered else "no",
    }


def _updated(old: Mapping[str, Any], model: Model, version: str) -> dict[str, Any]:
    new = {c: old[c] if _is_same(old[c], v) else v for c, v in _figures(model).items()}
    if model.context is None:  # the package does not say, which is no news
        new["context"] = old["context"]
    return {**old, **new, "note": _note(old["note"], model), **_origin(model, version)}


def _origin(model: Model, version: str) -> dict[str, str]:
    package = f"{genai.PACKAGE} {version} (PyPI)"
    return {"source": f"{package}; {model.page}" if model.page else package, "as_of": model.as_of, "grade": "B"}


def _note(note: str | None, model: Model) -> str | None:
    """A row's note, with what the package now says of tiers and of models no longer offered."""
    rest = (note or "").replace(RETIRED, "").replace(TIERED, "")
    parts = [RETIRED] * (not model.offered) + [TIERED] * model.tiered
    parts += [p.strip() for p in rest.split(";") if p.strip()]
    return "; ".join(parts) or None


def _is_same(old: Any, new: Any) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        return math.isclose(old, new, rel_tol=_CLOSE)
    return bool(old == new)


def _changes(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    columns = [c for c in new if c not in ("note", "source", "as_of", "grade")]
    for column in (c for c in (*columns, "note") if old[c] != new[c]):
        a, b = old[column], new[column]
        ratio = b / a - 1 if isinstance(a, float) and isinstance(b, float) and a else None
        yield Change(key, column, a, b, ratio)


def _others(rows: Mapping[str, Mapping[str, Any]], prices: Prices) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows for what the providers of the table offer besides; a name that the table has already is left to it."""
    taken = {fold(s) for r in rows.values() for s in (r["model"], *(r["aliases"] or "").split(";")) if s.strip()}
    for model in prices.models:
        of_provider = [r for r in rows.values() if fold(r["provider"]) == fold(model.provider)]
        if not of_provider or not model.offered or model.input == 0 == model.output:
            continue
        full = f"{model.provider_id}/{model.id}"
        made = all(r["made_by_provider"] == "yes" for r in of_provider)
        key, aliases = (model.id, full) if made else (full, None)
        if {fold(model.id), fold(full)} & taken or len(key) > _LONGEST_KEY or set("*?~;") & set(key):
            continue
        taken |= {fold(key), fold(full)}
        yield (
            key,
            {
                "model": key,
                "aliases": aliases,
                "provider": of_provider[0]["provider"],
                "made_by_provider": "yes" if made else "no",
                **_figures(model),
                "note": _note(None, model),
                **_origin(model, prices.version),
            },
        )
