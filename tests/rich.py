"""Workbooks with everything that people put into them, for tests that nothing of it gets lost."""

import shutil
import struct
import subprocess
import zipfile
import zlib

import openpyxl
import xlsxwriter

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">2I5B", 2, 2, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\xff\0\0\0\xff\0" * 2)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def rich(path):
    """Pictures, shapes, charts, rules, bars, sparklines, comments, rich text, an array, and macros in an .xlsm."""
    picture = path.with_name("p.png")
    picture.write_bytes(png())
    with xlsxwriter.Workbook(str(path)) as book:
        if path.suffix == ".xlsm":
            macros = path.with_name("vbaProject.bin")
            macros.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(range(256)) * 8)
            book.add_vba_project(str(macros))
        a, b = book.add_worksheet("In & out"), book.add_worksheet("Other")
        bold = book.add_format({"bold": True})
        a.write_row("A1", ["text", "  kept spaces ", "<&>", "text"])
        a.write_row("A2", [1, 2.5, True])
        a.write_formula("A3", "=SUM(A2:B2)", None, 3.5)
        a.write_formula("B3", '="n: "&A3', None, "n: 3.5")
        a.write_formula("C3", "=A3>3", None, True)
        a.write_array_formula("E3:E5", "{=A2*{1;2;3}}", None, 1)
        a.write_number("E4", 2)
        a.write_number("E5", 3)
        a.write_formula("A5", "=1/(A2-1)", None, "#DIV/0!")
        a.write_blank("D7", None, bold)
        a.write_rich_string("A6", "plain ", bold, "bold", " and ", "on")
        a.write_comment("A2", "A comment")
        a.insert_image("G2", str(picture))
        a.insert_textbox("G8", "A text box")
        a.conditional_format("A2:B3", {"type": "data_bar", "data_bar_2010": True})
        a.conditional_format("A2:B3", {"type": "3_color_scale"})
        a.add_sparkline("D3", {"range": "A2:B2"})
        a.data_validation("A2", {"validate": "decimal", "criteria": ">", "value": 0})
        a.merge_range("A9:C9", "merged", bold)
        a.ignore_errors({"number_stored_as_text": "A1:A9"})
        b.write_formula("A1", "='In & out'!A3*2", None, 7)
        b.add_table("C1:D3", {"name": "T", "columns": [{"header": "k"}, {"header": "v"}]})
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "='In & out'!$A$2:$B$2"})
        b.insert_chart("F1", chart)
        book.define_name("rate", "='In & out'!$A$2")
    return path


def by_openpyxl(path):
    """The workbook as openpyxl saves it."""
    saved = path.with_name(f"openpyxl{path.suffix}")
    openpyxl.load_workbook(path, keep_vba=path.suffix == ".xlsm", rich_text=True).save(saved)
    return saved


def by_libreoffice(path):
    """The workbook as LibreOffice saves it."""
    folder = path.with_name("libreoffice")
    program = shutil.which("soffice") or shutil.which("libreoffice")
    subprocess.run(
        [
            program,
            "--headless",
            f"-env:UserInstallation={path.with_name('profile').as_uri()}",
            "--convert-to",
            "xlsx:Calc MS Excel 2007 XML",
            "--outdir",
            str(folder),
            str(path),
        ],
        check=True,
        capture_output=True,
    )
    return folder / f"{path.stem}.xlsx"


def by_hand(path, sheet, encoding="utf-8", strings=""):
    """A workbook of one sheet "S" with the given XML, as other programs write it."""
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<x:workbook xmlns:x="{MAIN}" xmlns:r="{OFFICE}"><x:sheets>'
        '<x:sheet name="S" sheetId="1" r:id="r1"/></x:sheets></x:workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{OFFICE}/worksheet" Target="/xl/worksheets/sheet1.xml"/></Relationships>',
        "xl/media/": "",
    }
    if strings:
        parts["xl/sharedStrings.xml"] = strings
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in parts.items():
            package.writestr(name, text)
        package.writestr("xl/worksheets/sheet1.xml", sheet.encode(encoding))
        package.comment = b"a comment of the package"
    return path
