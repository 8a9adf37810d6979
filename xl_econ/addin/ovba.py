"""Writes a VBA project (MS-OVBA) from source text alone: Excel compiles it when it loads the workbook.

Nothing in it depends on the time or the machine, so the same modules give the same bytes.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from .cfb import compound_file
from .compression import compress

CODEPAGE = "cp1252"
_ENGLISH = 0x409
_HOST_EXTENDER = "&H00000001={3832D640-CF90-11CF-8E43-00A0C911005A};VBE;&H00000000"
# No compiled code: version 0xFFFF makes the host compile the source.
_SOURCE_ONLY = b"\xcc\x61\xff\xff\x00\x01\x00"
_REFERENCES = (
    ("stdole", r"*\G{00020430-0000-0000-C000-000000000046}#2.0#0#C:\Windows\System32\stdole2.tlb#OLE Automation"),
    (
        "Office",
        r"*\G{2DF8D04C-5BFA-101B-BDE5-00AA0044DE52}#2.0#0#"
        r"C:\Program Files\Common Files\Microsoft Shared\OFFICE16\MSO.DLL#Microsoft Office 16.0 Object Library",
    ),
)
_PROJECT_LINE = {"document": "Document={}/&H00000000", "standard": "Module={}"}


@dataclass(frozen=True)
class Module:
    """A module of a VBA project.

    Attributes:
        name: Its name, as its first attribute says it.
        source: Its text, attributes included.
        kind: "document" for a workbook's or sheet's own module, else "standard".
    """

    name: str
    source: str
    kind: str = "standard"

    @property
    def encoded(self) -> bytes:
        """The text as the project holds it: lines end with CR LF, letters are those of the code page."""
        return "\r\n".join([*self.source.splitlines(), ""]).encode(CODEPAGE)


def vba_project(name: str, modules: Sequence[Module]) -> bytes:
    """The part `vbaProject.bin` of a workbook.

    Args:
        name: Name of the project.
        modules: Its modules; those of the workbook and of each sheet must be among them.
    """
    streams = {m.name: compress(m.encoded) for m in modules}
    return compound_file(
        {
            "PROJECT": _project(name, modules),
            "PROJECTwm": _names(modules),
            "VBA": {"_VBA_PROJECT": _SOURCE_ONLY, "dir": compress(_directory(name, modules)), **streams},
        }
    )


def _project(name: str, modules: Sequence[Module]) -> bytes:
    """The stream PROJECT: settings as text."""
    guid = f"{{{uuid.uuid5(uuid.NAMESPACE_DNS, name)}}}".upper()
    lines = [
        f'ID="{guid}"',
        *(_PROJECT_LINE[m.kind].format(m.name) for m in modules),
        f'Name="{name}"',
        'HelpContextID="0"',
        'VersionCompatible32="393222000"',
        # Not protected, no password, visible.
        f'CMG="{_encrypted(bytes(4), guid)}"',
        f'DPB="{_encrypted(bytes(1), guid)}"',
        f'GC="{_encrypted(bytes([0xFF]), guid)}"',
        "",
        "[Host Extender Info]",
        _HOST_EXTENDER,
        "",
        "[Workspace]",
        *(f"{m.name}=0, 0, 0, 0, C" for m in modules),
        "",
    ]
    return "\r\n".join(lines).encode(CODEPAGE)


def _encrypted(content: bytes, guid: str, seed: int = 0x5D) -> str:
    """Data encryption of MS-OVBA, section 2.4.3: obfuscation by the project's id, required by the format."""
    key, version = sum(guid.encode()) & 0xFF, 2
    out = [seed, seed ^ version, seed ^ key]
    plain, last, before = key, out[2], out[1]
    ignored = bytes((seed & 6) // 2)
    for byte in ignored + struct.pack("<I", len(content)) + content:
        code = byte ^ ((before + plain) & 0xFF)
        out.append(code)
        before, last, plain = last, code, byte
    return bytes(out).hex().upper()


def _names(modules: Sequence[Module]) -> bytes:
    """The stream PROJECTwm: module names in both encodings."""
    pairs = (m.name.encode(CODEPAGE) + b"\0" + m.name.encode("utf-16-le") + b"\0\0" for m in modules)
    return b"".join(pairs) + b"\0\0"


def _record(number: int, content: bytes = b"") -> bytes:
    return struct.pack("<HI", number, len(content)) + content


def _text(number: int, unicode_number: int, text: str) -> bytes:
    """A text in the code page and again in UTF-16."""
    return _record(number, text.encode(CODEPAGE)) + _record(unicode_number, text.encode("utf-16-le"))


def _directory(name: str, modules: Sequence[Module]) -> bytes:
    """The stream dir before compression: section 2.3.4.2, records in its order."""
    information = [
        _record(0x01, struct.pack("<I", 1)),  # 32-bit Windows: what every Excel writes
        _record(0x02, struct.pack("<I", _ENGLISH)),
        _record(0x14, struct.pack("<I", _ENGLISH)),
        _record(0x03, struct.pack("<H", int(CODEPAGE.removeprefix("cp")))),
        _record(0x04, name.encode(CODEPAGE)),
        _text(0x05, 0x40, ""),  # description
        _record(0x06) + _record(0x3D),  # help file
        _record(0x07, bytes(4)),  # help context
        _record(0x08, bytes(4)),  # flags
        struct.pack("<HIIH", 0x09, 4, 1, 1),  # version; its size does not count the minor one
        _text(0x0C, 0x3C, ""),  # constants of conditional compilation
    ]
    references = []
    for library, place in _REFERENCES:
        path = place.encode(CODEPAGE)
        references.append(_text(0x16, 0x3E, library))
        references.append(_record(0x0D, struct.pack("<I", len(path)) + path + bytes(6)))
    counts = _record(0x0F, struct.pack("<H", len(modules))) + _record(0x13, b"\xff\xff")
    return b"".join([*information, *references, counts, *map(_module, modules), _record(0x10)])


def _module(m: Module) -> bytes:
    return b"".join(
        [
            _text(0x19, 0x47, m.name),
            _text(0x1A, 0x32, m.name),  # its stream
            _text(0x1C, 0x48, ""),  # description
            _record(0x31, bytes(4)),  # the source begins where the stream does
            _record(0x1E, bytes(4)),  # help context
            _record(0x2C, b"\xff\xff"),
            _record(0x21 if m.kind == "standard" else 0x22),
            _record(0x2B),
        ]
    )
