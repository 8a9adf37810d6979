"""What people do to a workbook that breaks nothing: other inputs, notes, rows, formats, another program's save."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xl_econ.workbook.cell import At, address
from xl_econ.workbook.parts import WORKBOOK
from xl_econ.workbook.recalc import libreoffice

from . import score, shift
from .draft import Draft, computed, restyled, store, worksheet
from .ground import Ground, moved, pick, refs

Edit = Callable[[Ground, random.Random, Draft], str]
_GRAVE = ("warning", "error")


@dataclass(frozen=True)
class Task:
    """An edit of a workbook."""

    kind: str
    book: Path
    own: bool
    seed: int


@dataclass
class Edited:
    """What the audit says of it that it did not say before."""

    kind: str
    book: str
    seed: int
    state: str
    note: str = ""
    alarms: tuple[str, ...] = ()


EDITS: dict[str, tuple[Edit, int]] = {}


def edit(name: str, weight: int = 2) -> Callable[[Edit], Edit]:
    def add(function: Edit) -> Edit:
        EDITS[name] = (function, weight)
        return function

    return add


# -- figures ----------------------------------------------------------------------------------------------------------
def _near(g: Ground, cell: Any, rng: random.Random) -> float:
    """A value near another, within the bounds that our inputs state."""
    value = float(cell.shown)
    if value == int(value) and abs(value) > 4:
        new = float(round(value * rng.uniform(0.97, 1.03))) if abs(value) > 30 else value
    else:
        new = float(f"{value * rng.uniform(0.96, 1.04):.3g}")
    low, high = (g.book.cell(cell.sheet, cell.row, n) for n in (8, 9)) if g.own else (None, None)
    if low is not None and low.is_number:
        new = max(new, low.shown)
    if high is not None and high.is_number:
        new = min(new, high.shown)
    return new


@edit("input", 5)
def other_input(g: Ground, rng: random.Random, draft: Draft) -> str:
    """Another value of an input, within its bounds; a price with the source that it comes from."""
    found = [c for c in g.typed if c.shown and (not g.own or c.sheet == "Inputs")]
    cell = pick(rng, found)
    new = _near(g, cell, rng)
    draft.put(cell.sheet, cell.at, new)
    if g.own and re.search(r"USD|price", g.label(cell), re.I):
        draft.put("Inputs", f"K{cell.row}", "Offer of a provider, no. 4711")
        draft.put("Inputs", f"L{cell.row}", "2026-11")
    return f"{cell.sheet}!{cell.at} {cell.shown:g} -> {new:g}"


@edit("case")
def case(g: Ground, rng: random.Random, draft: Draft) -> str:
    """Another live case."""
    if not g.own:
        raise LookupError("no cases")
    new = pick(rng, ["Low", "High"])
    draft.put("Inputs", "D5", new)
    return new


@edit("sourced-price")
def sourced_price(g: Ground, rng: random.Random, draft: Draft) -> str:
    """A price of a list brought up to date, with its new source and date."""
    found = []
    for cell in g.inputs:
        table = g.book.sheets[cell.sheet].table_of(cell)
        if table is not None and re.search(r"usd", g.heading(cell), re.I):
            where = {t.casefold(): table.area[2] + n for n, t in enumerate(table.columns)}
            if "source" in where and ("as_of" in where or "as of" in where):
                found.append((cell, where["source"], where.get("as_of") or where["as of"]))
    cell, source, date = pick(rng, found)
    draft.put(cell.sheet, cell.at, round(cell.shown * rng.uniform(0.95, 1.05), 4))
    draft.put(cell.sheet, address(At(cell.row, source)), "Provider's price list, https://example.com/prices")
    draft.put(cell.sheet, address(At(cell.row, date)), "2026-11-20")
    return f"{cell.sheet}!{cell.at}"


@edit("price-row", 4)
def price_row(g: Ground, rng: random.Random, draft: Draft) -> str:
    """A row added to a list, with its source."""
    lists = [t for s in g.book.sheets.values() for t in s.tables if any(c.casefold() == "source" for c in t.columns)]
    table = pick(rng, lists)
    sheet = g.book.sheets[table.sheet]
    top, bottom, left, right = table.area
    if any(r > bottom for r, c in sheet.cells if left <= c <= right) or table.totals:
        raise LookupError("no room below")
    for n, title in enumerate(table.columns):
        held = sheet.at(bottom, left + n)
        if held is None:
            continue
        at, style, name = address(At(bottom + 1, left + n)), g.parts.style(table.sheet, held.at), title.casefold()
        if held.formula:
            draft.put(table.sheet, at, moved(held.formula, 1, 0), style)
        elif n == 0 and isinstance(held.shown, str):
            draft.put(table.sheet, at, f"{held.shown} II", style)
        elif n == 0 and held.is_number:
            draft.put(table.sheet, at, held.shown * 2, style)
        elif name == "source":
            draft.put(table.sheet, at, "Provider's price list, https://example.com/prices", style)
        elif name in ("as_of", "as of"):
            draft.put(table.sheet, at, "2026-11", style)
        elif held.shown not in (None, ""):
            draft.put(table.sheet, at, held.shown, style)
    old, new = (f"{address(At(top, left))}:{address(At(r, right))}" for r in (bottom, bottom + 1))
    [part] = [p for p in shift.tables(g, table.sheet) if f'ref="{old}"' in g.parts.read(p).decode()]
    draft.text(part, f'ref="{old}"', f'ref="{new}"')
    return f"row {bottom + 1} of {table.name}"


# -- words ------------------------------------------------------------------------------------------------------------
@edit("note", 3)
def note(g: Ground, rng: random.Random, draft: Draft) -> str:
    """A note beside a row."""
    cell = pick(rng, g.typed if rng.random() < 0.5 and g.typed else g.calculations)
    sheet = g.book.sheets[cell.sheet]
    right = max(c for r, c in sheet.cells if r == cell.row) + 1
    if g.own and cell.sheet == "Inputs":
        right = 14
    text = pick(
        rng, ["checked with finance, 20 Nov", "see mail of 3 Nov", "agreed 2026-11-02", "OK for now; revisit in Q1"]
    )
    draft.put(cell.sheet, address(At(cell.row, right)), text)
    return f"{cell.sheet} row {cell.row}: {text}"


@edit("cover")
def cover(g: Ground, rng: random.Random, draft: Draft) -> str:
    """The cover filled in, or a title changed."""
    if g.own:
        draft.put("Cover", "C4", "Budget round 2027")
        draft.put("Cover", "C5", "FinOps")
        return "cover"
    name = pick(rng, list(g.book.sheets))
    cell = min(g.book.sheets[name].cells.values(), key=lambda c: (c.row, c.column))
    if cell.formula or not isinstance(cell.shown, str):
        raise LookupError("no title")
    draft.put(name, cell.at, cell.shown + " (draft 2)")
    return f"title of {name}"


# -- shape ------------------------------------------------------------------------------------------------------------
def _some_sheet(g: Ground, rng: random.Random) -> Any:
    return pick(rng, [s for s in g.book.sheets.values() if s.cells and s.name not in ("Cover", "Functions")])


@edit("row-inserted", 5)
def row_inserted(g: Ground, rng: random.Random, draft: Draft) -> str:
    """An empty row, or one with a remark."""
    sheet = _some_sheet(g, rng)
    inside = {r for t in sheet.tables for r in range(t.area[0], t.area[1] + 1)}
    merged = {r for _, (top, bottom, _, _) in sheet.merged for r in range(top + 1, bottom + 1)}
    arrays = {int(re.sub(r"\D", "", at)) for s, at in g._arrays if s == sheet.name}
    row = pick(rng, sorted({r for r, _ in sheet.cells} - inside - merged - arrays - {1}))
    shift.insert(g, draft, sheet.name, row=row)
    return f"row {row} of {sheet.name}"


@edit("column-inserted", 3)
def column_inserted(g: Ground, rng: random.Random, draft: Draft) -> str:
    """An empty column beside the figures."""
    sheet = _some_sheet(g, rng)
    inside = {c for t in sheet.tables for c in range(t.area[2] + 1, t.area[3] + 1)}
    merged = {c for _, (_, _, left, right) in sheet.merged for c in range(left + 1, right + 1)}
    free = {c for _, c in sheet.cells} - inside - merged
    column = pick(rng, sorted(free))
    shift.insert(g, draft, sheet.name, column=column)
    return f"column {column} of {sheet.name}"


@edit("rows-reordered", 4)
def reordered(g: Ground, rng: random.Random, draft: Draft) -> str:
    """Two rows of a list exchanged, as sorting does."""
    found = []
    for sheet in g.book.sheets.values():
        for table in sheet.tables:
            rows = list(table.body)
            if len(rows) >= 3 and not any(isinstance(v, int | float) for v in [_shown(sheet, rows[0], table.area[2])]):
                found.append((sheet, rows, range(table.area[2], table.area[3] + 1)))
        if not g.own and not sheet.tables:
            called = _called(g, sheet.name)
            rows = sorted({r for r, c in sheet.cells if c == 1 and _plain_row(sheet, r)} - called)
            longest = max((x for x in _blocks(rows)), key=len, default=[])
            if len(longest) >= 3:
                found.append((sheet, longest, range(1, 1 + max(c for _, c in sheet.cells))))
    sheet, rows, columns = pick(rng, found)
    a, b = rng.sample(rows, 2)
    for c in columns:
        for x, y in ((a, b), (b, a)):
            held, other = sheet.at(x, c), sheet.at(y, c)
            if held is None and other is None:
                continue
            content = None if held is None else moved(held.formula, y - x, 0) if held.formula else held.shown
            style = g.parts.style(sheet.name, address(At(x, c)))
            draft.put(sheet.name, address(At(y, c)), content, style)
    return f"rows {a} and {b} of {sheet.name}"


def _shown(sheet: Any, row: int, column: int) -> Any:
    held = sheet.at(row, column)
    return None if held is None else held.shown


def _plain_row(sheet: Any, row: int) -> bool:
    """Whether a row reads only itself and fixed cells, so that it may stand anywhere in its list."""
    cells = [c for (r, _), c in sheet.cells.items() if r == row]
    texts = [c for c in cells if isinstance(c.shown, str) and not c.formula]
    numbers = [c for c in cells if c.is_number]
    loose = [r for c in cells for r in refs(c.formula) if not r.row_fixed and not r.sheet and r.at.row != row]
    return bool(texts) and len(numbers) >= 2 and not loose and any(not c.formula for c in numbers)


def _called(g: Ground, sheet: str) -> set[int]:
    """Rows with a cell that a formula of another row reads by its address."""
    return {
        place.area[0]
        for cell in g.formulas
        for place in g.graph.precedents(cell)
        if place.is_cell and place.sheet == sheet and (cell.sheet, cell.row) != (sheet, place.area[0])
    }


def _blocks(rows: list[int]) -> list[list[int]]:
    found: list[list[int]] = []
    for r in rows:
        if found and found[-1][-1] == r - 1:
            found[-1].append(r)
        else:
            found.append([r])
    return found


@edit("sheet-renamed", 4)
def renamed(g: Ground, rng: random.Random, draft: Draft) -> str:
    """A sheet given another name."""
    sheet = _some_sheet(g, rng)
    new = pick(rng, [f"{sheet.name} 2027", f"{sheet.name} (FinOps)", f"Our {sheet.name.lower()}"])[:31]
    shift.rename(g, draft, sheet.name, new)
    return f"{sheet.name} -> {new}"


@edit("sheets-reordered")
def sheets_reordered(g: Ground, rng: random.Random, draft: Draft) -> str:
    """The last sheet moved to the front."""
    if re.search(r"localSheetId", g.parts.read(WORKBOOK).decode()):
        raise LookupError("names of sheets would have to follow")
    draft.text(WORKBOOK, r"(<sheets>)(.*)(<sheet\b[^>]*/>)(</sheets>)", r"\1\3\2\4")
    return "last sheet to the front"


@edit("calculation-added", 3)
def calculation(g: Ground, rng: random.Random, draft: Draft) -> str:
    """A sum of somebody's own under the figures: a share, a difference, a total in thousands."""
    # Copies across are of one unit where they are cases or months.
    across = [r for r in g.runs if r[0].row == r[1].row]
    run = pick(rng, [r for r in across if len(r) >= 12 or (g.own and r[0].sheet in ("Calculation", "Results"))])
    sheet = g.book.sheets[run[0].sheet]
    bottom = max(r for r, _ in sheet.cells) + 2
    draft.put(sheet.name, address(At(bottom, 2 if g.own else 1)), f"{g.row_label(run[0])}, against the first")
    for c in run:
        first = f"${address(At(1, run[0].column))[:-1]}${c.row}"
        draft.put(sheet.name, address(At(bottom, c.column)), f"={c.at}-{first}")
    return f"row {bottom} of {sheet.name}"


# -- looks ------------------------------------------------------------------------------------------------------------
@edit("format", 4)
def reformatted(g: Ground, rng: random.Random, draft: Draft) -> str:
    """More decimals, or thousands separators, on a row of figures."""
    cell = pick(rng, g.calculations + g.typed)
    row = [c for c in g.book.sheets[cell.sheet].cells.values() if c.row == cell.row and c.is_number and not c.spilled]
    for c in row:
        if c.look.is_date or "%" in c.format or (c.sheet, c.at) in g._arrays:
            continue
        style = restyled(draft, g.style(c), {"numFmtId": "193"}, {193: "#,##0.0000"})
        draft.put(c.sheet, c.at, c.formula or c.shown, style)
    return f"row {cell.row} of {cell.sheet}"


@edit("font")
def font(g: Ground, rng: random.Random, draft: Draft) -> str:
    """A heading in another font."""
    cell = pick(rng, [c for _, c in g.book.cells() if isinstance(c.shown, str) and not c.formula and c.shown])
    draft.put(cell.sheet, cell.at, cell.shown, restyled(draft, g.style(cell), {"fontId": "0"}))
    return f"{cell.sheet}!{cell.at}"


@edit("view")
def view(g: Ground, rng: random.Random, draft: Draft) -> str:
    """Another zoom and wider columns."""
    sheet = _some_sheet(g, rng)
    part = worksheet(draft, sheet.name)

    def change(text: str) -> str:
        text = re.sub(r'(<sheetView\b[^>]*?)\szoomScale="\d+"', r"\1", text)
        text = re.sub(r"<sheetView\b", '<sheetView zoomScale="80"', text, count=1)
        return re.sub(r'(<col\b[^>]*?\bwidth=")[\d.]+', r"\g<1>24.7", text)

    draft.texts.append((part, change))
    return sheet.name


# -- other programs ---------------------------------------------------------------------------------------------------
def by_libreoffice(path: Path, target: Path) -> None:
    """Opened and saved by LibreOffice."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name, "out")
        command = [str(libreoffice()), "--headless", f"-env:UserInstallation={Path(name, 'p').as_uri()}"]
        command += ["--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(out), str(path)]
        subprocess.run(command, capture_output=True, check=True, timeout=120)
        shutil.move(out / path.name, target)


def by_openpyxl(path: Path, target: Path) -> None:
    """Loaded and saved by openpyxl, and computed afterwards."""
    import openpyxl

    openpyxl.load_workbook(path).save(target)
    store(target, computed(target))


PROGRAMS = {"libreoffice-resave": by_libreoffice, "openpyxl-resave": by_openpyxl}


def tasks(own: list[Path], others: list[Path], number: int) -> list[Task]:
    """So many edits, of every kind, over all workbooks; three of four on ours."""
    kinds = [k for k, (_, weight) in EDITS.items() for _ in range(weight)]
    rng = random.Random("benign")
    found = []
    books = [(p, True) for p in own] * 3 + [(p, False) for p in others]
    plain = [(p, True) for p in own if ".lambda" not in p.name] + [(p, False) for p in others]
    some = rng.sample(plain, min(len(plain), 8, number // 6))
    resaved = [("libreoffice-resave", p, o) for p, o in some]
    resaved += [("openpyxl-resave", p, False) for p in others[: number // 40]]
    for kind, p, o in resaved:
        if kind != "libreoffice-resave" or libreoffice():
            found.append(Task(kind, p, o, 0))
    for n in range(number * 3):  # more than are wanted, for those without a place
        path, ours = books[rng.randrange(len(books))]
        found.append(Task(kinds[n % len(kinds)], path, ours, n))
    return found[: len(resaved)] + sorted(
        found[len(resaved) :][: int(number * 1.3)], key=lambda t: (t.own, t.book.name, t.seed)
    )


def run(task: Task, folder: Path) -> Edited:
    """Make an edit, recompute, audit, compare."""
    g, _ = score.ground(task.book, task.own)
    rng = random.Random(f"{task.kind} {task.book.name} {task.seed}")
    # LibreOffice gives its output the name of its input.
    target = folder / f"benign-{task.kind}-{task.book.stem}-{task.seed}.xlsx"
    try:
        if task.kind in PROGRAMS:
            PROGRAMS[task.kind](task.book, target)
            note, values = "", computed(target)
        else:
            draft = g.draft()
            note = EDITS[task.kind][0](g, rng, draft)
            values = draft.save(target)
        found = score.audited(target, values)
    except LookupError as e:
        return Edited(task.kind, task.book.name, task.seed, "none", str(e))
    except Exception as e:
        return Edited(task.kind, task.book.name, task.seed, "broken", f"{type(e).__name__} {e}")
    finally:
        if not os.environ.get("KEEP"):
            target.unlink(missing_ok=True)
    # Places move with rows and sheets, so kinds of findings are counted.
    before = Counter((f.check, f.severity) for f in score.before(task.book, task.own))
    now = Counter((f.check, f.severity) for f in found)
    more = {k for k in now if now[k] > before[k] and k[1] in _GRAVE}
    alarms = tuple(
        f"{f.sheet}!{f.cell} {f.check}:{f.severity}: {f.message[:140]}" for f in found if (f.check, f.severity) in more
    )
    return Edited(task.kind, task.book.name, task.seed, "done", note, alarms[:3])
