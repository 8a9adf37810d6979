"""A package rewritten part by part: what is not replaced is copied as it is compressed, in its order, with its date."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from xl_econ.core.errors import WorkbookError

LEVEL = 6
_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
_PLACE = _CENTRAL.size - 4
_ENCRYPTED, _DESCRIPTOR, _UTF8 = 0x1, 0x8, 0x800
_ZIP64 = 1  # id of the extra field that holds sizes beyond 4 GB
_LARGEST = 0xFFFFFFFF
_COPY = 1 << 20


def rewrite(
    source: Path,
    target: Path,
    parts: Mapping[str, bytes],
    level: int = LEVEL,
    added: Mapping[str, bytes] | None = None,
) -> None:
    """Write a package in which some parts hold other bytes.

    Args:
        source: The package as it is.
        target: Where the new one goes; replaced if it is there.
        parts: The new contents by name; each must be a part of the package.
        level: Compression of the new contents.
        added: Parts that the package has not yet, for its end.

    Raises:
        WorkbookError: An encrypted part, or sizes that need the 64-bit form of the format.
    """
    # zipfile reads packages; it cannot copy a part without compressing it anew, so the new one is written here.
    with zipfile.ZipFile(source) as old, source.open("rb") as read, target.open("wb") as out:
        directory = []
        for info in old.infolist():
            if info.flag_bits & _ENCRYPTED:
                raise WorkbookError(f"{source}: {info.filename} is encrypted; save it as an unprotected workbook")
            at = out.tell()
            content = parts.get(info.filename)
            packed = None if content is None else deflated(content, level)
            if content is None or packed is None:
                local, central = headers(info)
            else:
                local, central = headers(info, zlib.crc32(content), (len(packed), len(content)))
            if max(at, info.file_size, info.compress_size, len(content or b"")) >= _LARGEST:
                raise WorkbookError(f"{source}: too large to be written")
            out.write(local)
            if packed is None:
                _copy(read, out, info)
            else:
                out.write(packed)
            directory.append(placed(central, at))
        for name, content in (added or {}).items():
            at, packed = out.tell(), deflated(content, level)
            info = zipfile.ZipInfo(name)
            local, central = headers(info, zlib.crc32(content), (len(packed), len(content)))
            out.write(local + packed)
            directory.append(placed(central, at))
        out.write(end(directory, out.tell(), old.comment))


class Framed:
    """Contents that begin and end alike: the ends are compressed once, and what is between them each time.

    Args:
        head: The beginning.
        tail: The end.
        level: Compression.
    """

    def __init__(self, head: bytes, tail: bytes, level: int = LEVEL) -> None:
        self.head, self.tail, self._level = head, tail, level
        self._crc = zlib.crc32(head)
        # A full flush ends on a whole byte and refers to nothing before it, so such streams can stand in a row.
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
        self._packed_head = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
        self._packed_tail = deflated(tail)

    def packed(self, between: bytes) -> tuple[bytes, int, int]:
        """The compressed content with its sum and length."""
        packer = zlib.compressobj(self._level, zlib.DEFLATED, -15)
        packed = self._packed_head + packer.compress(between) + packer.flush(zlib.Z_FULL_FLUSH) + self._packed_tail
        crc = zlib.crc32(self.tail, zlib.crc32(between, self._crc))
        return packed, crc, len(self.head) + len(between) + len(self.tail)


def headers(info: zipfile.ZipInfo, crc: int | None = None, sizes: tuple[int, int] = (0, 0)) -> tuple[bytes, bytes]:
    """The two headers of a part: as it was, or with the sum and sizes of other content; the second needs its place."""
    name = _name(info)
    method = zipfile.ZIP_DEFLATED
    if crc is None:
        method, crc, sizes = info.compress_type, info.CRC, (info.compress_size, info.file_size)
    # Sizes stand in the local header now, so that nothing has to follow the data.
    flags, extra = info.flag_bits & ~_DESCRIPTOR, _without_zip64(info.extra)
    stamp, version = _dos(info.date_time), info.extract_version
    local = _LOCAL.pack(b"PK\3\4", version, flags, method, *stamp, crc, *sizes, len(name), len(extra))
    made = info.create_version | info.create_system << 8
    lengths = (len(name), len(extra), len(info.comment), 0)
    attributes = (info.internal_attr, info.external_attr, 0)
    central = _CENTRAL.pack(b"PK\1\2", made, version, flags, method, *stamp, crc, *sizes, *lengths, *attributes)
    return local + name + extra, central + name + extra + info.comment


def placed(central: bytes, at: int) -> bytes:
    """A header of the directory with the place of its part."""
    return central[:_PLACE] + struct.pack("<L", at) + central[_CENTRAL.size :]


def end(directory: Sequence[bytes], start: int, comment: bytes = b"") -> bytes:
    """The directory of a package and what ends it."""
    listed = b"".join(directory)
    count = len(directory)
    return listed + _END.pack(b"PK\5\6", 0, 0, count, count, len(listed), start, len(comment)) + comment


def deflated(content: bytes, level: int = LEVEL) -> bytes:
    """Content as a package holds it."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def _name(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")


def _dos(date: tuple[int, int, int, int, int, int]) -> tuple[int, int]:
    """Time and date as the format packs them."""
    year, month, day, hour, minute, second = date
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day


def _without_zip64(extra: bytes) -> bytes:
    kept, at = b"", 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind != _ZIP64:
            kept += extra[at : at + 4 + length]
        at += 4 + length
    return kept


def _copy(read: BinaryIO, out: BinaryIO, info: zipfile.ZipInfo) -> None:
    """Copy the compressed bytes of a part; its local header can be longer than the directory says."""
    read.seek(info.header_offset)
    header = _LOCAL.unpack(read.read(_LOCAL.size))
    read.seek(info.header_offset + _LOCAL.size + header[-2] + header[-1])
    left = info.compress_size
    while left:
        found = read.read(min(left, _COPY))
        if not found:
            raise zipfile.BadZipFile("a part ends too early")
        out.write(found)
        left -= len(found)
