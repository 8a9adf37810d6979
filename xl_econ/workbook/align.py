"""Which sheet, row and column of one workbook is which of another, after rows, columns and sheets moved."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from .grid import Grid, GridSheet

ALIKE = 0.5  # share of texts that a renamed sheet has in common with what it was
_CLOSE = 0.3  # the same for a row or column
_LARGEST = 40_000  # pairs of rows that are compared with each other
_SAMPLE = 400  # rows that say which column is which

Keys = Mapping[Hashable, int]


@dataclass(frozen=True)
class Pairing:
    """Numbers of rows, or of columns, of one sheet with those of the other.

    Attributes:
        pairs: The numbers there by those here.
        alone: Those here that hold something and are not there.
        alone_there: Those there that hold something and are not here.
    """

    pairs: dict[int, int]
    alone: frozenset[int] = frozenset()
    alone_there: frozenset[int] = frozenset()

    @cached_property
    def _known(self) -> list[int]:
        return sorted(self.pairs)

    def leads(self, a: int, b: int) -> bool:
        """Whether `a` here is `b` there; one that holds nothing stands as far from a neighbour as there."""
        if a in self.pairs:
            return self.pairs[a] == b
        if a in self.alone or b in self.alone_there:
            return False
        known = self._known
        at = bisect_left(known, a)
        beside = [known[n] for n in (at - 1, at) if 0 <= n < len(known)]
        return not beside or any(self.pairs[k] + a - k == b for k in beside)


@dataclass(frozen=True)
class SheetPair:
    """A sheet in both workbooks."""

    a: GridSheet
    b: GridSheet
    rows: Pairing
    columns: Pairing


def sheets(a: Grid, b: Grid, anchors: Sequence[tuple[str, str]] = ()) -> dict[str, str]:
    """The sheets of the first workbook with those of the second: by anchors, by name, by what stands in them."""
    found: dict[str, str] = {}

    def take(x: str, y: str) -> None:
        if x in a.sheets and y in b.sheets and x not in found and y not in found.values():
            found[x] = y

    for x, y in anchors:
        take(x, y)
    for x in a.sheets:
        take(x, x)
    tables = b.tables
    for name, t in a.tables.items():
        if name in tables:
            take(t.sheet, tables[name].sheet)
    left = [
        (_alike(s.texts, t.texts), x, y)
        for x, s in a.sheets.items()
        for y, t in b.sheets.items()
        if x not in found and y not in found.values()
    ]
    for share, x, y in sorted(left, key=lambda e: -e[0]):
        if share >= ALIKE:
            take(x, y)
    return {x: found[x] for x in a.sheets if x in found}


def _alike(a: set[str], b: set[str]) -> float:
    return len(a & b) / len(a | b) if a and b else 0.0


def sheet(a: GridSheet, b: GridSheet, keys_a: Keys, keys_b: Keys) -> SheetPair:
    """Two sheets with their rows and columns.

    Args:
        a: The sheet of the first workbook.
        b: That of the second.
        keys_a: Rows of the first that have a key: they are the rows of that key, wherever they stand.
        keys_b: The same of the second.
    """
    rows = {row: keys_b[key] for key, row in keys_a.items() if key in keys_b}
    keyed_a, keyed_b = set(keys_a.values()), set(keys_b.values())
    free_a = [r for r in a.rows if r not in keyed_a]
    free_b = [r for r in b.rows if r not in keyed_b]
    full_a, full_b = ({r: tuple(c.token for c in s.rows[r].values()) for r in s.rows} for s in (a, b))
    texts_a, texts_b = ({r: tuple(c.value for c in s.rows[r].values() if c.is_text) for r in s.rows} for s in (a, b))
    steps: list[tuple[Mapping[int, Sequence[object]], Mapping[int, Sequence[object]]]] = [
        (full_a, full_b),
        (texts_a, texts_b),
    ]
    rows |= _in_steps(free_a, free_b, steps, lambda x, y: _closeness(full_a[x], full_b[y]))
    sample = sorted(rows.items())[:: max(1, len(rows) // _SAMPLE)]
    cells_a: dict[int, dict[int, str]] = {n: {} for n in a.columns}
    cells_b: dict[int, dict[int, str]] = {n: {} for n in b.columns}
    for number, (x, y) in enumerate(sample):
        for cells, row in ((cells_a, a.rows.get(x, {})), (cells_b, b.rows.get(y, {}))):
            for column, cell in row.items():
                cells[column][number] = cell.token
    heads_a, heads_b = a.column_keys(), b.column_keys()
    columns = {n: heads_b[key] for key, n in heads_a.items() if key in heads_b}
    taken = set(columns.values())
    columns_a, columns_b = ([n for n in s if n not in known] for s, known in ((a.columns, columns), (b.columns, taken)))
    columns |= _best(columns_a, columns_b, lambda x, y: _overlap(cells_a[x], cells_b[y]))
    return SheetPair(a, b, _pairing(rows, a.rows, b.rows), _pairing(columns, a.columns, b.columns))


def _pairing(pairs: dict[int, int], a: Iterable[int], b: Iterable[int]) -> Pairing:
    return Pairing(pairs, frozenset(a) - pairs.keys(), frozenset(b) - set(pairs.values()))


def _in_steps(
    a: Sequence[int],
    b: Sequence[int],
    steps: Sequence[tuple[Mapping[int, Sequence[object]], Mapping[int, Sequence[object]]]],
    close: Callable[[int, int], float],
) -> dict[int, int]:
    """Pairs in order: what is equal, then between that what has equal texts, then what is most alike."""
    if not a or not b:
        return {}
    if not steps:
        return _best(a, b, close)
    (of_a, of_b), *rest = steps
    found: dict[int, int] = {}
    # A row that holds nothing to tell it by is no anchor.
    tokens_a: list[Hashable] = [tuple(of_a[r]) or ("a", r) for r in a]
    tokens_b: list[Hashable] = [tuple(of_b[r]) or ("b", r) for r in b]
    for tag, i, j, k, n in SequenceMatcher(None, tokens_a, tokens_b, autojunk=False).get_opcodes():
        if tag == "equal":
            found |= zip(a[i:j], b[k:n], strict=True)
        elif tag == "replace":
            found |= _in_steps(a[i:j], b[k:n], rest, close)
    return found


def _best(a: Sequence[int], b: Sequence[int], close: Callable[[int, int], float]) -> dict[int, int]:
    """The pairs in order that are most alike together."""
    if len(a) * len(b) > _LARGEST:
        return dict(zip(a, b, strict=False))
    best = [[0.0] * (len(b) + 1) for _ in range(len(a) + 1)]
    likes = [[close(x, y) for y in b] for x in a]
    for i in range(len(a) - 1, -1, -1):
        for j in range(len(b) - 1, -1, -1):
            take = best[i + 1][j + 1] + likes[i][j] if likes[i][j] >= _CLOSE else 0.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], take)
    found, i, j = {}, 0, 0
    while i < len(a) and j < len(b):
        if likes[i][j] >= _CLOSE and best[i][j] == best[i + 1][j + 1] + likes[i][j]:
            found[a[i]] = b[j]
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


def _closeness(a: Sequence[str], b: Sequence[str]) -> float:
    """How much two rows have in common.

    Two of one shape that differ in a cell or two are one row changed, and a row that holds more besides is the same.
    """
    if a and set(a) < set(b):
        return max(_CLOSE, len(set(a)) / len(set(b)))
    shared = len(set(a) & set(b)) / max(len(set(a) | set(b)), 1)
    return max(shared, _CLOSE) if len(a) == len(b) == 1 else shared


def _overlap(a: Mapping[int, str], b: Mapping[int, str]) -> float:
    """How much two columns have in common in the rows that are the same."""
    equal = sum(b.get(row) == token for row, token in a.items())
    filled = len(a.keys() & b.keys()) / max(len(a.keys() | b.keys()), 1)
    return 0.7 * equal / max(len(a.keys() | b.keys()), 1) + 0.3 * filled + (0.3 if a.keys() == b.keys() else 0)
