"""The compression of MS-OVBA, section 2.4.1: chunks of 4096 bytes, in which a copy stands for what came before."""

from __future__ import annotations

import struct

_CHUNK = 4096
_SHORTEST = 3  # bytes that a copy must replace to be worth its two
_MOST_CANDIDATES = 64  # earlier places that are tried: more find little and cost time


def compress(content: bytes) -> bytes:
    """Compressed content, as it stands in the streams `dir` and of the modules.

    A chunk that would grow is stored as it is; if it is the last, it is filled up with zeros, as the format has it.
    That takes random bytes: source text always shrinks.
    """
    out = bytearray(b"\x01")
    for start in range(0, len(content), _CHUNK):
        chunk = content[start : start + _CHUNK]
        packed = _pack(chunk)
        compressed = len(packed) <= _CHUNK
        stored = packed if compressed else chunk.ljust(_CHUNK, b"\0")
        out += struct.pack("<H", (len(stored) - 1) | (0xB000 if compressed else 0x3000)) + stored
    return bytes(out)


def _pack(chunk: bytes) -> bytes:
    """Groups of eight tokens behind a byte of flags: a byte as it is, or a copy from earlier in the chunk."""
    out = bytearray()
    seen: dict[bytes, list[int]] = {}
    at = 0
    while at < len(chunk):
        flags, group = 0, bytearray()
        for bit in range(8):
            if at >= len(chunk):
                break
            offset, length = _copy(chunk, at, seen)
            if length:
                flags |= 1 << bit
                group += struct.pack("<H", (offset - 1) << (16 - _offset_bits(at)) | (length - _SHORTEST))
            else:
                group.append(chunk[at])
            for place in range(at, at + (length or 1)):
                seen.setdefault(chunk[place : place + _SHORTEST], []).append(place)
            at += length or 1
        out.append(flags)
        out += group
    return bytes(out)


def _offset_bits(at: int) -> int:
    """Bits of a copy's 16 that say how far back it begins; the rest say how long it is."""
    return max(4, (at - 1).bit_length())


def _copy(chunk: bytes, at: int, seen: dict[bytes, list[int]]) -> tuple[int, int]:
    """How far back the longest copy begins, and its length; 0 if there is none."""
    longest = min((0xFFFF >> _offset_bits(at)) + _SHORTEST, len(chunk) - at)
    best, found = 0, 0
    if longest < _SHORTEST:
        return 0, 0
    for place in reversed(seen.get(chunk[at : at + _SHORTEST], ())[-_MOST_CANDIDATES:]):
        length = _SHORTEST
        while length < longest and chunk[place + length] == chunk[at + length]:
            length += 1
        if length > found:
            best, found = at - place, length
        if found == longest:
            break
    return best, found
