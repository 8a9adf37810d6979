"""Workbooks that somebody made to hang, fill, fool or escape whatever reads them.

Each is a change to a sound workbook. `python tests/hostile.py FOLDER` writes them all, to look at.
"""

import io
import sys
import zipfile
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
SHEET, BOOK, STYLES, STRINGS = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml"
LINKS, COMMENTS, TABLE = "xl/_rels/workbook.xml.rels", "xl/comments1.xml", "xl/tables/table1.xml"
SHEET_LINKS = "xl/worksheets/_rels/sheet1.xml.rels"
OPEN, CLOSE = f'<worksheet xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheetData>', "</sheetData></worksheet>"
A = "a" * 100_000
LAUGHS = "".join(f'<!ENTITY a{n} "' + f"&a{n - 1};" * 10 + '">' for n in range(1, 10))
DTD = f'<!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]>'


def links(*kinds):
    inside = "".join(f'<Relationship Id="r{n}" Type="{OFFICE}/{k}" Target="{t}"/>' for n, (k, t) in enumerate(kinds))
    return f'<Relationships xmlns="{PACKAGE}/relationships">{inside}</Relationships>'


def plain():
    """A sound workbook: a sheet of a text, two numbers and their sum, by its parts."""
    overrides = {BOOK: "sheet.main", SHEET: "worksheet", STYLES: "styles", STRINGS: "sharedStrings"}
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        + "".join(f'<Override PartName="/{p}" ContentType="{TYPES}.{t}+xml"/>' for p, t in overrides.items())
        + "</Types>",
        "_rels/.rels": links(("officeDocument", BOOK)),
        BOOK: f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="r0"/></sheets>'
        "<definedNames></definedNames></workbook>",
        LINKS: links(
            ("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml"), ("sharedStrings", "sharedStrings.xml")
        ),
        STYLES: f'<styleSheet xmlns="{MAIN}"><fonts count="1"><font><sz val="11"/><name val="Arial"/></font></fonts>'
        '<fills count="1"><fill><patternFill patternType="none"/></fill></fills><borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="1">'
        '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs><cellStyles count="1">'
        '<cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
        STRINGS: f'<sst xmlns="{MAIN}"><si><t>text</t></si></sst>',
        SHEET: OPEN + row(1, text(0, "A1"), value(1, "B1"), value(2, "C1"), f("B1+C1", 3, "D1")) + CLOSE,
    }


def row(number, *cells):
    return f'<row r="{number}">{"".join(cells)}</row>'


def value(v, at):
    return f'<c r="{at}"><v>{v}</v></c>'


def text(number, at):
    return f'<c r="{at}" t="s"><v>{number}</v></c>'


def f(formula, v, at, about=""):
    return f'<c r="{at}"><f{about}>{formula}</f><v>{v}</v></c>'


def column(formulas, letter="A"):
    return OPEN + "".join(row(n, f(x, 0, f"{letter}{n}")) for n, x in enumerate(formulas, 1)) + CLOSE


def each(piece, last, first=1):
    return "".join(piece.replace("{n}", str(n)) for n in range(first, last + 1))


def after(more):
    """The sheet with elements behind its cells."""
    return {SHEET: plain()[SHEET].replace("</worksheet>", f"{more}</worksheet>")}


def before(more):
    return {SHEET: plain()[SHEET].replace("<sheetData>", f"{more}<sheetData>")}


def names(*pairs):
    inside = "".join(f'<definedName name="{n}">{t}</definedName>' for n, t in pairs)
    return {BOOK: plain()[BOOK].replace("<definedNames>", f"<definedNames>{inside}")}


def beside(*kinds):
    return {SHEET_LINKS: links(*kinds)}


def repeated(start, piece, times, end):
    """A part of so many pieces, written without being held."""
    return [start, *[piece * 1000] * (times // 1000), end]


# What each is, and the parts that differ from the plain workbook's.
CHANGED = {
    "bomb_ratio": lambda: {"xl/theme/theme1.xml": [b" " * (1 << 20)] * 300},
    "bomb_sheet": lambda: {SHEET: repeated(OPEN, '<row><c t="n"><v>1</v></c></row>', 10_000_000, CLOSE)},
    "bomb_picture": lambda: {"xl/media/a.png": [b"\0" * (1 << 20)] * 600},
    "bomb_parts": lambda: {f"xl/x/{n}.xml": "" for n in range(20_000)},
    "bomb_nested": lambda: {"xl/embeddings/a.xlsx": nested(4)},
    "entities_sheet": lambda: {SHEET: DTD + OPEN + row(1, value("&a9;", "A1")) + CLOSE},
    "entities_strings": lambda: {STRINGS: f'{DTD}<sst xmlns="{MAIN}"><si><t>&a9;</t></si></sst>'},
    "entities_book": lambda: {BOOK: DTD + plain()[BOOK]},
    "entities_styles": lambda: {STYLES: DTD + plain()[STYLES]},
    "entities_outside": lambda: {
        SHEET: '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + OPEN + row(1, value("&a;", "A1")) + CLOSE
    },
    "entities_quadratic": lambda: {
        STRINGS: f'<!DOCTYPE x [<!ENTITY a "{A}">]><sst xmlns="{MAIN}"><si><t>' + "&a;" * 20_000 + "</t></si></sst>"
    },
    "strings_shared": lambda: {
        STRINGS: f'<sst xmlns="{MAIN}"><si><t>' + "x" * 32_000 + "</t></si></sst>",
        SHEET: OPEN + "".join(row(n, *(text(0, f"{c}{n}") for c in "ABCDEFGH")) for n in range(1, 50_001)) + CLOSE,
    },
    "strings_computed": lambda: {SHEET: column([f'REPT("x",32767)&amp;{n}' for n in range(30_000)])},
    "merge_everything": lambda: after('<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'),
    "merges_many": lambda: after(
        "<mergeCells>" + each('<mergeCell ref="A{n}:B{n}"/>', 200_000) + "</mergeCells>"
    ),
    "corners": lambda: {
        SHEET: OPEN + row(1, f("1+1", 2, "A1")) + row(1048576, f("XFD1048575+1", 1, "XFD1048576")) + CLOSE
    },
    "corner_sum": lambda: {SHEET: column(["SUM(A2:XFD1048576)"] * 1)},
    "styles_million": lambda: {
        STYLES: plain()[STYLES].replace("</cellXfs>", '<xf numFmtId="0" fontId="0"/>' * 1_000_000 + "</cellXfs>")
    },
    "styles_wrong": lambda: {STYLES: plain()[STYLES].replace('fontId="0"', 'fontId="-7"')},
    "xml_deep": lambda: {SHEET: OPEN + row(1, value(1, "A1")) + "</sheetData>" + "<x>" * 200_000 + "</x>" * 200_000
                         + "</worksheet>"},
    "xml_deep_in_cells": lambda: {SHEET: OPEN + "<x>" * 200_000 + "</x>" * 200_000 + CLOSE},
    "xml_deep_book": lambda: {BOOK: plain()[BOOK].replace("</workbook>", "<x>" * 200_000 + "</x>" * 200_000
                                                         + "</workbook>")},
    "xml_attributes": lambda: {SHEET: OPEN.replace("<sheetData", "<a " + each(' a{n}=""', 100_000) + "/><sheetData") + CLOSE},
    "parentheses": lambda: {SHEET: column(["(" * 20_000 + "1" + ")" * 20_000])},
    "parentheses_short": lambda: {SHEET: column(["(" * 4000 + "1" + ")" * 4000])},
    "parentheses_open": lambda: {SHEET: column(["IF(" * 2700])},
    "minus": lambda: {SHEET: column(["-" * 100_000 + "1"])},
    "minus_short": lambda: {SHEET: column(["-" * 8000 + "1"])},
    "braces": lambda: {SHEET: column(["{" * 8000])},
    "quotes": lambda: {SHEET: column(['"' * 8001, "'" * 8001, "[" * 8001, "A1:" * 2700, "a" * 8190, "1" * 8190])},
    "quotes_many": lambda: {SHEET: column([x * 4000 + str(n) for n in range(20) for x in ("['", "A!", "T[", "''", "R[")])},
    "formula_long": lambda: {SHEET: column(["+".join(["A2"] * 100_000)])},
    "formula_whole_columns": lambda: {SHEET: column(["SUMPRODUCT(B:XFD*1)"] * 3)},
    "formula_big_arrays": lambda: {SHEET: column(["SUM(SEQUENCE(1048576,16384))", "COUNTA(MAKEARRAY(1E4,1E4,LAMBDA(a,b,a)))"])},
    "formula_cycle": lambda: {SHEET: column(["A2+1", "A3+1", "A1+1"])},
    "formula_chain": lambda: {SHEET: column([f"A{n}+1" for n in range(2, 50_000)])},
    "formula_all_read_all": lambda: {SHEET: column([f"SUM(A1:A{n})" for n in range(5000, 10_000)], "B")},
    "formula_doubling": lambda: {SHEET: column(['"ab"', *[f"A{n}&amp;A{n}" for n in range(1, 40)]])},
    "formula_dde": lambda: {SHEET: column(["cmd|'/C calc'!A0", "MSEXCEL|'\\..\\..\\x'!A0"])},
    "formula_web": lambda: {SHEET: column(['WEBSERVICE("http://127.0.0.1:1/"&amp;A2)', 'HYPERLINK("file:///etc/passwd")'])},
    "shared_cycle": lambda: {
        SHEET: OPEN + "".join(row(n, f("", 1, f"A{n}", ' t="shared" si="0"')) for n in range(1, 99)) + CLOSE
    },
    "shared_everywhere": lambda: {
        SHEET: OPEN + row(1, f("A2", 1, "A1", ' t="shared" ref="A1:XFD1048576" si="0"')) + CLOSE
    },
    "arrays_many": lambda: {
        SHEET: OPEN + "".join(row(n, f(f"B{n}:B{n + 9}", 1, f"A{n}", f' t="array" ref="A{n}:A1048576"'), value(1, f"B{n}"))
                              for n in range(1, 20_001)) + CLOSE
    },
    "array_everywhere": lambda: {SHEET: OPEN + row(1, f("1", 1, "A1", ' t="array" ref="A1:XFD1048576"')) + CLOSE},
    "names_of_themselves": lambda: names(("x", "x+1"), ("y", "z"), ("z", "y")) | {SHEET: column(["x", "y", "z"])},
    "names_deep": lambda: names(*((f"n{n}_", f"n{n + 1}_+n{n + 1}_") for n in range(1000))) | {SHEET: column(["n0_"])},
    "names_wide": lambda: names(*((f"n{n}_", "+".join([f"n{n + 1}_"] * 30)) for n in range(9))) | {SHEET: column(["n0_"])},
    "names_many": lambda: names(*((f"n{n}_", f"S!$A${n + 1}") for n in range(100_000))),
    "names_broken": lambda: names(("", ""), ("a b", "#REF!"), ("A1", "S!$A$1"), ("=", "="), ("x", "'")),
    "conditional_million": lambda: after(
        '<conditionalFormatting sqref="A1:D9"><cfRule type="expression" priority="1"><formula>1</formula></cfRule>'
        "</conditionalFormatting>" * 300_000
    ),
    "conditional_areas": lambda: after('<conditionalFormatting sqref="' + "A1:D9 " * 1_000_000 + '"/>'),
    "validations_many": lambda: after(
        "<dataValidations>" + '<dataValidation type="list" sqref="A1:XFD1048576"><formula1>&quot;a,b&quot;</formula1>'
        "</dataValidation>" * 100_000 + "</dataValidations>"
    ),
    "columns_hidden": lambda: before("<cols>" + '<col min="1" max="16384" hidden="1"/>' * 100_000 + "</cols>"),
    "columns_wrong": lambda: before('<cols><col min="-5" max="99999999999" hidden="1"/></cols>'),
    "comments_many": lambda: beside(("comments", "../comments1.xml")) | {
        COMMENTS: f'<comments xmlns="{MAIN}"><authors/><commentList>'
        + '<comment ref="A1" authorId="0"><text><t>' + "x" * 32_000 + "</t></text></comment>" * 1
        + each('<comment ref="A{n}" authorId="0"><text><t>x</t></text></comment>', 200_000, 2)
        + "</commentList></comments>"
    },
    "tables_many": lambda: beside(*[("table", f"../tables/t{n}.xml") for n in range(3000)]) | {
        f"xl/tables/t{n}.xml": f'<table xmlns="{MAIN}" displayName="T{n}" ref="A{n + 2}:A{n + 3}"><tableColumns>'
        '<tableColumn name="k"/></tableColumns></table>' for n in range(3000)
    },
    "table_everywhere": lambda: beside(("table", "../tables/table1.xml")) | {
        TABLE: f'<table xmlns="{MAIN}" displayName="T" ref="A1:XFD9999999"><tableColumns>'
        '<tableColumn name="text"/></tableColumns></table>', SHEET: column(["SUM(T[text])", "T[@text]", "T[nothing]"], "B")
    },
    "table_wrong": lambda: beside(("table", "../tables/table1.xml")) | {
        TABLE: f'<table xmlns="{MAIN}" displayName="T" ref="nowhere" totalsRowCount="x"/>'
    },
    "relations_in_a_circle": lambda: {
        SHEET_LINKS: links(("table", "sheet1.xml"), ("comments", "sheet1.xml"), ("worksheet", "../workbook.xml"))
    },
    "relations_outside": lambda: {LINKS: links(("worksheet", "../../../../etc/passwd"))},
    "relations_many": lambda: {SHEET_LINKS: links(*[("table", "../x.xml")] * 200_000)},
    "sheets_many": lambda: {
        BOOK: plain()[BOOK].replace("</sheets>", each('<sheet name="S{n}" sheetId="{n}" r:id="r0"/>', 50_000, 2) + "</sheets>")
    },
    "sheets_alike": lambda: {
        BOOK: plain()[BOOK].replace("</sheets>", '<sheet name="s" sheetId="2" r:id="r0"/></sheets>')
    },
    "sheets_none": lambda: {BOOK: f'<workbook xmlns="{MAIN}"><sheets/></workbook>'},
    "dimension_lies": lambda: before('<dimension ref="A1:XFD1048576"/>'),
    "rows_wrong": lambda: {SHEET: OPEN + '<row r="-1"><c r="A-1"><v>1</v></c></row>' + CLOSE},
    "rows_beyond": lambda: {SHEET: OPEN + row(9999999, value(1, "A9999999")) + CLOSE},
    "rows_alike": lambda: {SHEET: OPEN + row(1, value(1, "A1"), value(2, "A1")) + row(1, value(3, "A1")) + CLOSE},
    "numbers_wrong": lambda: {
        SHEET: OPEN + row(1, value("1e999", "A1"), value("nan", "B1"), value("x", "C1"), value("9" * 100_000, "D1"),
                          text(-1, "E1"), text(99, "F1")) + CLOSE
    },
    "number_of_string_huge": lambda: {SHEET: OPEN + row(1, text("9" * 5000, "A1")) + CLOSE},
    "bytes_not_utf8": lambda: {SHEET: (OPEN + row(1, value(1, "A1")) + CLOSE).encode().replace(b"<v>1", b"<v>\xff\xfe1")},
    "bytes_utf16": lambda: {SHEET: ('<?xml version="1.0" encoding="UTF-16"?>' + plain()[SHEET]).encode("utf-16")},
    "bytes_utf16_odd": lambda: {SHEET: plain()[SHEET].encode("utf-16")[:-1]},
    "bytes_utf16_unmarked": lambda: {SHEET: plain()[SHEET].encode("utf-16-le")},
    "bytes_utf32": lambda: {SHEET: plain()[SHEET].encode("utf-32")},
    "bytes_utf7": lambda: {SHEET: '<?xml version="1.0" encoding="utf-7"?>' + plain()[SHEET]},
    "bytes_of_an_unknown_kind": lambda: {SHEET: '<?xml version="1.0" encoding="hex"?>' + plain()[SHEET]},
    "bytes_nul": lambda: {SHEET: plain()[SHEET].replace("<v>1", "<v>\0")},
    "bytes_bom_twice": lambda: {SHEET: b"\xef\xbb\xbf" * 2 + plain()[SHEET].encode()},
    "bytes_bom": lambda: {p: b"\xef\xbb\xbf" + t.encode() for p, t in plain().items() if p in (SHEET, BOOK, STRINGS)},
    "comment_unclosed": lambda: {SHEET: OPEN + row(1, value(1, "A1")) + "<!-- " * 100_000},
    "tag_unclosed": lambda: {SHEET: OPEN + "<c " * 200_000},
    "attribute_unclosed": lambda: {SHEET: OPEN + '<c r="A1" ' + 'a="b" ' * 200_000},
    "attributes_of_a_cell": lambda: {SHEET: OPEN + '<row r="1"><c r="A1"' + ' s="0"' * 200_000 + "!</row>" + CLOSE},
    "spaces": lambda: {SHEET: OPEN + " " * 3_000_000 + "x" + CLOSE},
    "shared_ranges_huge": lambda: {
        SHEET: OPEN + row(1, f("SUM(B1:Z9)", 1, "A1", ' t="shared" ref="A1:A1048576" si="0"'))
        + "".join(row(n, f("", 1, f"A{n}", ' t="shared" si="0"')) for n in range(2, 2000)) + CLOSE
    },
    "rows_sparse": lambda: {
        SHEET: OPEN + "".join(row(n, f(f"SUM(A{n + 1}:A1048576)", 1, f"A{n}")) for n in range(1, 1048576, 20_000)) + CLOSE
    },
    "names_in_circles": lambda: names(*((f"n{n}_", f"n{(n + 1) % 500}_+n{(n + 7) % 500}_") for n in range(500)))
                                | {SHEET: column([f"n{n}_" for n in range(500)])},
    "names_nowhere": lambda: names(*((f"n{n}_", "#REF!$A$1") for n in range(4000)))
                             | {SHEET: column([f"n{n}_" for n in range(4000)])},
    "names_of_digits": lambda: names(("x", "S!$A$" + "9" * 5000), ("y", "=" + " " * 200_000 + "x"))
                               | {SHEET: column(["x", "y"])},
    "tables_nowhere": lambda: beside(("table", "../tables/none.xml"), ("table", "/etc/passwd"), ("comments", "x")),
    "relations_to_secrets": lambda: beside(("table", "../../../../../etc/passwd"), ("comments", "file:///etc/passwd")),
    "relations_with_dtd": lambda: {SHEET_LINKS: DTD + links(("table", "&a9;"))},
    "relations_of_the_book_with_dtd": lambda: {LINKS: DTD + plain()[LINKS]},
    "validations_long": lambda: after(
        "<dataValidations>" + each('<dataValidation type="list" sqref="A{n}:D{n}"><formula1>&quot;' + "a," * 5000
                                   + "&quot;</formula1></dataValidation>", 1000) + "</dataValidations>"
    ),
    "conditions_deep": lambda: after(
        '<conditionalFormatting sqref="A1:XFD1048576"><cfRule type="expression" priority="1"><formula>' + "(" * 8000
        + "</formula></cfRule></conditionalFormatting>" * 1
    ),
    "parentheses_nested": lambda: {SHEET: column(["ABS(" * 1600 + "1" + ")" * 1600] * 20)},
    "formula_of_excels_length": lambda: {SHEET: column([f"{n}+" + "+".join(["SUM(B1:B9)"] * 740) for n in range(100)])},
    "lambda_without_end": lambda: names(("loop", "_xlfn.LAMBDA(_xlpm.x,loop(_xlpm.x+1))"))
                                  | {SHEET: column(["loop(1)", "_xlfn.LET(_xlpm.a,_xlpm.a+1,_xlpm.a)"])},
    "reduce_large": lambda: {SHEET: column(["_xlfn.REDUCE(0,_xlfn.SEQUENCE(1000000),_xlfn.LAMBDA(_xlpm.a,_xlpm.b,_xlpm.a+_xlpm.b))"])},
    "cells_without_places": lambda: {SHEET: OPEN + "<row>" + "<c><v>1</v></c>" * 20_000 + "</row>" + CLOSE},
    "cells_twice": lambda: {SHEET: OPEN + row(1, *[f("A1+1", n, "A1") for n in range(1000)]) + CLOSE},
    "cells_of_styles_unknown": lambda: {
        SHEET: OPEN + row(1, *[f'<c r="{c}1" s="{s}"><v>1</v></c>' for c, s in zip("ABC", ("-1", "99999999", "9" * 5000), strict=True)]) + CLOSE
    },
    "style_no_number": lambda: {SHEET: OPEN + row(1, '<c r="A1" s="x"><v>1</v></c>') + CLOSE},
    "style_format_long": lambda: {
        STYLES: plain()[STYLES].replace("<fonts", '<numFmts><numFmt numFmtId="0" formatCode="' + "[" * 1_000_000 + '"/></numFmts><fonts')
    },
    "macros_of_rubbish": lambda: {
        LINKS: plain()[LINKS].replace("</Rel", '<Relationship Id="v" Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject"'
                                      ' Target="vbaProject.bin"/></Rel'), "xl/vbaProject.bin": OLE + b"\xff" * 99_999
    },
    "sheets_of_charts": lambda: {
        LINKS: links(("chartsheet", "chartsheets/sheet1.xml"), ("styles", "styles.xml"), ("sharedStrings", "sharedStrings.xml")),
        "xl/chartsheets/sheet1.xml": f'<chartsheet xmlns="{MAIN}"/>',
    },
    "sheets_of_no_part": lambda: {BOOK: plain()[BOOK].replace('r:id="r0"', 'r:id="r99"')},
    "sheets_thousands": lambda: {
        BOOK: plain()[BOOK].replace("</sheets>", each('<sheet name="S{n}" sheetId="{n}" r:id="s{n}"/>', 4000, 2) + "</sheets>"),
        LINKS: plain()[LINKS].replace("</Rel", each(f'<Relationship Id="s{{n}}" Type="{OFFICE}/worksheet" Target="worksheets/s{{n}}.xml"/>', 4000, 2) + "</Rel"),
    } | {f"xl/worksheets/s{n}.xml": column([f"S{n - 1}!A1+1" if n > 2 else "1"]) for n in range(2, 4001)},
    "sheet_named_long": lambda: {BOOK: plain()[BOOK].replace('name="S"', 'name="' + "'" * 50_000 + '"')},
    "texts_long": lambda: {SHEET: OPEN + "".join(
        row(n, *(f'<c r="{c}{n}" t="inlineStr"><is><t xml:space="preserve">{t}</t></is></c>'
                 for c, t in zip("ABCD", ("-" + " " * 32_000 + "x", "1" + " " * 32_000 + "x", "1" * 32_000, "A" * 32_000), strict=True)))
        for n in range(1, 30)) + CLOSE},
    "headings_everywhere": lambda: {
        STRINGS: f'<sst xmlns="{MAIN}"><si><t>Source</t></si><si><t>Unit</t></si><si><t>As of</t></si></sst>',
        SHEET: OPEN + "".join(row(n, text(0, f"A{n}"), text(1, f"B{n}"), text(2, f"C{n}"), value(n, f"D{n}")) for n in range(1, 20_000)) + CLOSE,
    },
    "attributes_spaced": lambda: {SHEET: OPEN + '<row r="1"><c r="A1"' + " " * 500_000 + 's="0"><v>1</v></c></row>' + CLOSE},
    "name_outside": lambda: {"../../outside.xml": "x"},
    "name_absolute": lambda: {"/tmp/xl_econ_outside.xml": "x"},  # noqa: S108
    "name_twice": lambda: {SHEET.upper(): "x"},
}  # fmt: skip


def nested(depth):
    """A package in a package, each with ten of the next."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        inside = nested(depth - 1) if depth else b"\0" * (10 << 20)
        for n in range(10):
            package.writestr(f"{n}.zip", inside)
    return out.getvalue()


def packed(path, parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, content in parts.items():
            with package.open(name, "w", force_zip64=False) as out:
                for piece in content if isinstance(content, list) else [content]:
                    out.write(piece if isinstance(piece, bytes) else piece.encode())
    return path


def sound():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in plain().items():
            package.writestr(name, content)
    return out.getvalue()


def flags(data, value):
    """Every part marked, in both headers."""
    out = bytearray(data)
    for magic, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = out.find(magic)
        while start >= 0:
            out[start + at] |= value
            start = out.find(magic, start + 4)
    return bytes(out)


def sizes(data, value):
    """Every part says another size than it has."""
    out = bytearray(data)
    for magic, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        start = out.find(magic)
        while start >= 0:
            out[start + at : start + at + 4] = value.to_bytes(4, "little")
            start = out.find(magic, start + 4)
    return bytes(out)


OLE = bytes.fromhex("d0cf11e0a1b11ae1")
# Whole files that are not what their names say.
FILES = {
    "file_empty": lambda: b"",
    "file_encrypted": lambda: OLE + b"\0" * 504 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 4096,
    "file_xls": lambda: OLE + bytes(4096),
    "file_csv": lambda: b"a,b\n1,2\n",
    "file_html": lambda: b"<html><table><tr><td>1</td></tr></table></html>",
    "file_xlsb": lambda: other({"xl/workbook.bin": b"\0" * 99}),
    "file_docx": lambda: other({"word/document.xml": "<w/>"}),
    "file_ods": lambda: other({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"}),
    "file_truncated": lambda: sound()[:-400],
    "file_half": lambda: sound()[: len(sound()) // 2],
    "file_prefixed": lambda: b"#!/bin/sh\n" * 100 + sound(),
    "file_wrong_sum": lambda: sound().replace(b"PK\1\2", b"PK\1\2", 1)[:60] + b"\xff" + sound()[61:],
    "file_parts_encrypted": lambda: flags(sound(), 1),
    "file_sizes_small": lambda: sizes(sound(), 10),
    "file_sizes_large": lambda: sizes(sound(), 0xFFFFFF0),
    "file_only_a_directory": lambda: b"PK\5\6" + bytes(18),
    "file_of_noughts": lambda: bytes(1 << 20),
}


def other(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return out.getvalue()


def write(name, folder, suffix=".xlsx"):
    """Write one of them."""
    path = Path(folder) / f"{name}{suffix}"
    if name in FILES:
        path.write_bytes(FILES[name]())
        return path
    return packed(path, plain() | CHANGED[name]())


ALL = (*CHANGED, *FILES)

if __name__ == "__main__":
    for name_ in sys.argv[2:] or ALL:
        print(write(name_, sys.argv[1]), flush=True)
