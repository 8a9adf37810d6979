"""Writes a compound file (MS-CFB, version 3): folders and streams in one file, the same bytes each time.

Only what a VBA project needs: no timestamps, no class ids, at most 109 sectors of allocation table (7 MB).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xl_econ.core.errors import WorkbookError

Tree = Mapping[str, "bytes | Tree"]

_SECTOR, _MINI_SECTOR, _MINI_LIMIT = 512, 64, 4096
_FREE, _END, _TABLE, _NONE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
_FOLDER, _STREAM, _ROOT = 1, 2, 5
_RED, _BLACK = 0, 1
_IN_HEADER = 109  # places of allocation-table sectors that the header holds
_SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")
_HEADER = struct.Struct("<8s16x5H6x9I")
_ENTRY = struct.Struct("<64sH2B3I16xI2QIQ")
_NUMBERS_IN_SECTOR = _SECTOR // 4


@dataclass
class _Entry:
    """A folder or stream in the directory, a node of a red-black tree of its folder."""

    name: str
    kind: int
    content: bytes = b""
    left: int = _NONE
    right: int = _NONE
    child: int = _NONE
    colour: int = _BLACK
    start: int = _END

    def packed(self) -> bytes:
        """The 128 bytes of the directory."""
        name = self.name.encode("utf-16-le") + b"\0\0" if self.kind else b""
        # State bits and both timestamps stay zero.
        places = (self.left, self.right, self.child)
        start = 0 if self.kind in (0, _FOLDER) else self.start
        return _ENTRY.pack(name, len(name), self.kind, self.colour, *places, 0, 0, 0, start, len(self.content))


class _Sectors:
    """Sectors of one size and the chains that link them."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.content = bytearray()
        self.next: list[int] = []

    def put(self, content: bytes) -> int:
        """Append a chain; answers with its first sector."""
        if not content:
            return _END
        first = len(self.next)
        count = -(-len(content) // self.size)
        self.content += content.ljust(count * self.size, b"\0")
        self.next += [*range(first + 1, first + count), _END]
        return first


def compound_file(tree: Tree) -> bytes:
    """A compound file.

    Args:
        tree: Streams (bytes) and folders (mappings of the same kind) by name.

    Raises:
        WorkbookError: More than fits into the tables that this writer makes.
    """
    entries = [_Entry("Root Entry", _ROOT)]
    entries[0].child = _folder(tree, entries)
    sectors, mini = _Sectors(_SECTOR), _Sectors(_MINI_SECTOR)
    for entry in entries[1:]:
        if entry.kind == _STREAM:
            entry.start = (mini if len(entry.content) < _MINI_LIMIT else sectors).put(entry.content)
    # The root's stream holds the small streams.
    entries[0].content = bytes(mini.content)
    entries[0].start = sectors.put(entries[0].content)
    mini_table = sectors.put(_numbers(mini.next))
    mini_tables = -(-len(mini.next) // _NUMBERS_IN_SECTOR)
    unused = _Entry("", 0, start=0, colour=_RED).packed()
    directory = b"".join(entry.packed() for entry in entries)
    directory_at = sectors.put(directory + unused * (-len(entries) % (_SECTOR // _ENTRY.size)))
    first_table, tables = len(sectors.next), 1
    while tables * _NUMBERS_IN_SECTOR < first_table + tables:
        tables += 1
    if tables > _IN_HEADER:
        raise WorkbookError(f"a compound file of {first_table} sectors is larger than this writer can make")
    sectors.put(_numbers([*sectors.next, *[_TABLE] * tables]))
    header = _HEADER.pack(
        _SIGNATURE, 0x3E, 3, 0xFFFE, 9, 6, 0, tables, directory_at, 0, _MINI_LIMIT, mini_table, mini_tables, _END, 0
    )
    places = [first_table + n if n < tables else _FREE for n in range(_IN_HEADER)]
    return header + struct.pack(f"<{_IN_HEADER}I", *places) + bytes(sectors.content)


def _numbers(table: Sequence[int]) -> bytes:
    """Sector numbers, filled up with free ones to whole sectors."""
    filled = [*table, *[_FREE] * (-len(table) % _NUMBERS_IN_SECTOR)]
    return struct.pack(f"<{len(filled)}I", *filled)


def _folder(tree: Tree, entries: list[_Entry]) -> int:
    """Append the entries of a folder, and of those in it; answers with the root of its tree."""
    found = []
    for name in sorted(tree, key=lambda n: (len(n), n.upper())):  # the order that the format asks for
        content = tree[name]
        found.append(len(entries))
        if isinstance(content, bytes):
            entries.append(_Entry(name, _STREAM, content))
        else:
            entries.append(folder := _Entry(name, _FOLDER))
            folder.child = _folder(content, entries)
    return _balanced(found, entries, depth=0, deepest=len(found).bit_length() - 1)


def _balanced(places: Sequence[int], entries: list[_Entry], depth: int, deepest: int) -> int:
    """A balanced tree of sorted entries; red on its last, incomplete level, so that the colours are as they must be."""
    if not places:
        return _NONE
    middle = len(places) // 2
    entry = entries[places[middle]]
    entry.colour = _RED if depth and depth == deepest else _BLACK
    entry.left = _balanced(places[:middle], entries, depth + 1, deepest)
    entry.right = _balanced(places[middle + 1 :], entries, depth + 1, deepest)
    return places[middle]
