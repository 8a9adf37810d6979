"""A template's workbook compiled for filling: built once, then only the cells that a case decides are written anew.

The result is what `build` gives, but for this: texts of inputs stand in their cells and not among the shared texts, and
rows keep the height that the template's own sources need.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from xl_econ.workbook.package import QUICK, Framed, deflated, end, headers, placed
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.sheet import SheetXml
from xl_econ.workbook.write import store

from . import holes, pristine, stamp
from .build import Flavour, build
from .compute import Calculator, Computed
from .holes import Piece
from .layout import Layout
from .parts import SENSITIVITY
from .slots import slots_of

_CORE = "docProps/core.xml"


class Blank:
    """A workbook of a template with holes where a case's values go.

    Args:
        layout: The template.
        flavour: Of its workbook.
        level: Compression of what a case decides.
    """

    def __init__(self, layout: Layout, flavour: Flavour = "plain", level: int = QUICK) -> None:
        self.layout, self.flavour, self._level = layout, flavour, level
        self.calculator = Calculator(layout)
        self.stamp = stamp.of_model(self.calculator.model, flavour, {})
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "blank.xlsx")
            # A text in each cell that can hold one, so that every such cell exists with its style.
            build(self.calculator.model, path, flavour)
            self._read(path)

    def _read(self, path: Path) -> None:
        book = Parts(path)
        slots = slots_of(self.calculator, self.flavour, book, self.hash_of)
        names = {part: sheet for sheet, part in book.parts.items()}
        with zipfile.ZipFile(path) as package:
            infos = package.infolist()
            # Parts that stay are ready to be written; those with holes are made for each case.
            self._ready: list[tuple[bytes, bytes] | zipfile.ZipInfo] = []
            self._frames: dict[str, Framed] = {}
            self._holes: dict[str, list[Piece]] = {}
            for info in infos:
                content = package.read(info)
                if (name := names.get(info.filename)) in slots:
                    sheet, here = SheetXml(content, str(name)), slots[str(name)]
                    moved = holes.moved(sheet, here, self._bars) if name == SENSITIVITY else {}
                    self._holes[info.filename] = list(holes.of_sheet(sheet, here, moved))
                elif info.filename.startswith("xl/charts/chart"):
                    self._holes[info.filename] = list(holes.of_chart(content.decode(), slots))
                elif info.filename == pristine.PART and self._bars:
                    self._holes[info.filename] = list(holes.of_description(content.decode(), self._bars))
                elif info.filename == _CORE:
                    self._holes[info.filename] = list(self._core(content.decode()))
                if pieces := self._holes.get(info.filename):
                    self._frames[info.filename] = Framed(str(pieces[0]).encode(), str(pieces[-1]).encode(), self._level)
                    self._holes[info.filename] = pieces[1:-1]
                    self._ready.append(info)
                else:
                    packed = deflated(content)
                    local, central = headers(info, info.CRC, (len(packed), len(content)))
                    self._ready.append((local + packed, central))

    @property
    def _bars(self) -> dict[str, int]:
        """The rows of the tornado by the keys of their bars."""
        sheet = self.calculator.model.sensitivity
        block = sheet.tornado if sheet else None
        return {swing.key: block.first + n for n, (swing, _) in enumerate(block.bars)} if block else {}

    def _core(self, text: str) -> Iterator[Piece]:
        before, mark, after = re.split(r"(, inputs )[0-9a-f]+", text, maxsplit=1)
        yield before + mark
        yield self.hash_of
        yield after

    def hash_of(self, c: Computed) -> str:
        """The hash of all that fills the workbook of a computed case."""
        return stamp.hash_of(c.values, c.origins, c.selected, c.texts, self.stamp.tables)

    def filled(self, part: str, c: Computed) -> bytes:
        """What stands between the beginning and the end of a part, which all cases share."""
        return holes.filled(self._holes[part], c).encode()

    @property
    def changing(self) -> list[str]:
        """The parts that a case decides."""
        return list(self._holes)

    def whole(self, part: str, c: Computed) -> bytes:
        """All of such a part."""
        return self._frames[part].head + self.filled(part, c) + self._frames[part].tail

    def content(self, c: Computed) -> bytes:
        """The bytes of the workbook of a computed case."""
        out, directory, at = [], [], 0
        for part in self._ready:
            if isinstance(part, tuple):
                body, central = part
            else:
                packed, crc, length = self._frames[part.filename].packed(self.filled(part.filename, c))
                local, central = headers(part, crc, (len(packed), length))
                body = local + packed
            out.append(body)
            directory.append(placed(central, at))
            at += len(body)
        return b"".join([*out, end(directory, at)])

    def write(self, c: Computed, path: Path, force: bool = False) -> None:
        """Write the workbook of a computed case.

        Raises:
            WorkbookError: The file cannot be written.
        """
        store(path, self.content(c), force)
