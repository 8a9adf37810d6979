"""Where inputs come from: their source and date, prices that changed under a source, that are old, that contradict."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice

from xl_econ.audit import provenance
from xl_econ.audit.provenance import Entry, Price
from xl_econ.audit.registry import ERROR, INFO, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.cell import At, address

AGE = 365  # days that a price is taken as current
_OLD = 3 * AGE  # days after which it is old whatever it is of: hardware changes price less often than an hour of it
_MAGNITUDES = (100.0, 1e3, 1e6, 1e9)
_YEARS_APART = 4
_FEW = 3  # figures of a column that are said one by one


@check(
    "input-unsourced",
    WARNING,
    "A typed figure that formulas read has no source, though the sheet has a column for it",
    "write where the figure comes from: a URL, a document and place, whose assumption it is",
)
def input_unsourced(subject: Subject) -> Iterator[Found]:
    """Once a row. A workbook without any column of sources is told so once."""
    seen = False
    for entry in subject.entries:
        seen = seen or entry.source is not None
        if not entry.is_sourced:
            yield at(entry.cells[0], f"{_called(entry)} has no source")
    said = {(c.sheet, c.row) for entry in subject.entries for c in entry.cells}
    instead = list(provenance.placeholders(subject))
    figures = {(c.sheet, c.row) for c in subject.inputs} if instead else set[tuple[str, int]]()
    for cell in instead:
        seen = True
        if (cell.sheet, cell.row) in figures - said and not subject.as_built(cell):
            yield at(cell, f"{cell.text} stands where the source of the row's figures should")
    typed = (c for _, c in subject.book.cells() if not c.formula and c.is_number and not c.look.is_date)
    if not seen and subject.formulas and len(list(islice(typed, _FEW))) == _FEW:
        yield Found("", "", "no column says where the typed figures come from", severity=INFO)


@check(
    "input-undated",
    WARNING,
    "A price that formulas read has no date, though there is a column for it: nobody can tell whether it still holds",
    "write the day, month or year that the price is of",
)
def input_undated(subject: Subject) -> Iterator[Found]:
    """Prices; of other figures it is information. What has no source either is said there."""
    for entry in subject.entries:
        if entry.is_sourced and not entry.is_dated:
            yield at(entry.cells[0], f"{_called(entry)} has no date", severity="" if entry.is_price else INFO)


@check(
    "price-changed-same-source",
    ERROR,
    "A figure differs from the rate card although it names the same source and date: one of the two is not what the "
    "source says",
    "restore the figure, or name the source and date of the new one",
)
def price_changed_same_source(subject: Subject) -> Iterator[Found]:
    """Rows of our tables; a whole column that is off by one factor is said once. Of inputs it is information."""
    if not provenance.is_other_version(subject):
        found: dict[tuple[str, str, float], list[tuple[Price, str, float, float]]] = {}
        for price in provenance.prices(subject):
            for column, was, now in provenance.changed(price):
                ratio = round(now / was, 9) if was else 0.0
                found.setdefault((price.table.name, column, ratio), []).append((price, column, was, now))
        for (name, column, ratio), many in found.items():
            for price, _, was, now in many[:1] if len(many) > _FEW else many:
                cell = price.cell(column)
                if cell is not None:
                    key = price.values[price.reference.key]
                    says = f"{name}[{key}].{column} is {now:.12g}; the rate card has {was:.12g} from the same source"
                    more = f", and {len(many) - 1} more of the column, each {ratio:.6g} times as much"
                    yield at(cell, says + (more if len(many) > _FEW else ""), was)
        yield from _emptied(subject)
    yield from _changed_inputs(subject)


def _emptied(subject: Subject) -> Iterator[Found]:
    """Figures of our tables that somebody has deleted; a whole column of them is said once."""
    found: dict[tuple[str, str], list[tuple[Price, float]]] = {}
    for price in provenance.prices(subject):
        for column, was in provenance.emptied(price):
            found.setdefault((price.table.name, column), []).append((price, was))
    for (name, column), many in found.items():
        for price, was in many[:1] if len(many) > _FEW else many:
            says = f"{name}[{price.values[price.reference.key]}].{column} is empty; the rate card has {was:.12g}"
            more = f", and so are {len(many) - 1} more of the column" if len(many) > _FEW else ""
            yield Found(price.sheet.name, address(price.place(column)), says + more, None, was, WARNING)


def _changed_inputs(subject: Subject) -> Iterator[Found]:
    """Inputs with another price than the template's under its source and date; they are there to be typed.

    One that is just 100 or 1,000 times the template's, of whatever unit, is in cents, in watts: a slip.
    """
    manifest = subject.manifest
    if manifest is None or "Inputs" not in manifest.books.pairs:
        return
    from xl_econ.templates.layout import CASES

    base, pair = manifest.base, manifest.books.pairs["Inputs"]
    columns = {what: head[1].column for what in (*CASES, "source", "as_of") if (head := base.cell_of(f"inputs.{what}"))}
    for name in base.names:
        place = base.cell_of(name) if name.startswith("inputs.") else None
        row = pair.rows.pairs.get(place[1].row) if place and place[0] == "Inputs" else None
        if place is None or row is None:
            continue
        held = {}
        for what, column in columns.items():
            was = pair.a.cells.get(At(place[1].row, column))
            now = pair.b.cells.get(At(row, pair.columns.pairs.get(column, 0)))
            held[what] = (was.value if was else None, now.value if now else None)
        unit = pair.a.cells.get(At(place[1].row, place[1].column - 1))
        if any(held[w][0] != held[w][1] for w in ("source", "as_of")):
            continue
        is_price = "USD" in str(unit.value if unit else "")
        for case in CASES:
            a, b = held[case]
            cell = subject.book.cell(pair.b.name, row, pair.columns.pairs.get(columns[case], 0))
            if isinstance(a, float) and isinstance(b, float) and a != b and cell is not None:
                slip = _magnitude(b, a)
                message = (
                    f"{name.partition('.')[2]} ({case}) is {b:.12g}; the template has {a:.12g} from this source{slip}"
                )
                if slip or is_price:
                    yield at(cell, message, a, WARNING if slip else INFO)


def _magnitude(now: float, was: float) -> str:
    """By which factor a figure differs, where that is of units: cents for dollars, watts for kilowatts."""
    ratio = now / was if was else 0.0
    for factor in _MAGNITUDES if ratio > 0 else ():
        if math.isclose(ratio, factor, rel_tol=1e-9) or math.isclose(ratio * factor, 1, rel_tol=1e-9):
            return f", {factor:,.0f} times as {'little' if ratio < 1 else 'much'}"
    return ""


@check(
    "price-stale",
    WARNING,
    "A price is more than a year older than the day that the workbook says it is of",
    "look up the price again, or say why the old one still holds",
)
def price_stale(subject: Subject) -> Iterator[Found]:
    """Against --as-of, else the workbook's own date, else that of its figures; never against today.

    A report stays what it is, whenever it is made. What nobody asked about, and is less than three years old, is
    information.
    """
    day = subject.as_of or provenance.own_date(subject)
    if day is None:
        return
    for entry in subject.entries:
        of = provenance.day_of(entry.as_of or "")
        if entry.is_price and not entry.in_table and of is not None and (days := (day - of).days) > AGE:
            severity = "" if subject.as_of or days > _OLD else INFO
            yield at(
                entry.cells[0], f"{_called(entry)} is of {entry.as_of}, {days} days before {day}", severity=severity
            )


@check(
    "date-apart",
    WARNING,
    "A date of a source lies years from all the others of its column: it is mistyped, or the figure is old",
    "correct the date, or look up the figure again",
)
def date_apart(subject: Subject) -> Iterator[Found]:
    """The first or the last of the dates of a column, where the next one is years away."""
    for dates in provenance.dates_of(subject):
        ordered = sorted(dates, key=lambda d: d[1])
        if len(ordered) > _FEW:
            for (cell, day), (_, other) in (ordered[:2], ordered[:-3:-1]):
                years = abs((day - other).days) / 365.25
                if years >= _YEARS_APART and not subject.as_built(cell):
                    yield at(cell, f"{cell.text} is {years:.0f} years from all the other dates of its column")


@check(
    "price-conflict",
    WARNING,
    "A price lies more than 20% from what the rate card has for the same offer",
    "decide which of the two counts, and say why in the note",
)
def price_conflict(subject: Subject) -> Iterator[Found]:
    """Rows that somebody added or changed, against the rate card in use."""
    for price in provenance.prices(subject):
        if not any(True for _ in provenance.changed(price)):
            for column, theirs, row in provenance.conflicts(price):
                cell = price.cell(column)
                if cell is not None:
                    key = getattr(row, price.reference.key)
                    yield at(
                        cell, f"{cell.text} against {theirs:.12g} of {key} ({row.as_of}, {row.source[:60]})", theirs
                    )


def _called(entry: Entry) -> str:
    return f"{entry.label or entry.cells[0].at} = {entry.cells[0].text}"
