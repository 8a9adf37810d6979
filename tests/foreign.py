"""A workbook of ours as other programs leave it: what Excel adds when a person works in it, and what openpyxl adds."""

import re
import zipfile

import openpyxl
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image
from openpyxl.formatting.rule import DataBarRule
from rich import MAIN, OFFICE, PACKAGE, png

MS = "http://schemas.microsoft.com/office"
X14 = f"{MS}/spreadsheetml/2009/9/main"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
SHEET_HEAD = (
    f'<worksheet xmlns="{MAIN}" xmlns:r="{OFFICE}" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" mc:Ignorable="x14ac xr xr2 xr3" '
    f'xmlns:x14ac="{MS}/spreadsheetml/2009/9/ac" xmlns:xr="{MS}/spreadsheetml/2014/revision" '
    f'xmlns:xr2="{MS}/spreadsheetml/2015/revision2" xmlns:xr3="{MS}/spreadsheetml/2016/revision3" '
    'xr:uid="{00000000-0001-0000-0000-000000000000}">'
)
# What Excel writes into xl/workbook.xml.
BEFORE_VIEWS = (
    '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice '
    f'Requires="x15"><x15ac:absPath url="C:\\me\\Plan &amp; more\\" xmlns:x15ac="{MS}/spreadsheetml/2010/11/ac"'
    f' xmlns:x15="{MS}/spreadsheetml/2010/11/main"/></mc:Choice></mc:AlternateContent>'
    f'<xr:revisionPtr xmlns:xr="{MS}/spreadsheetml/2014/revision" revIDLastSave="0" documentId="8_{{00}}"/>'
)
AFTER_CALC = (
    '<pivotCaches><pivotCache cacheId="7" r:id="rIdPivot"/></pivotCaches><extLst><ext '
    f'uri="{{BBE1A952-AA13-448e-AADC-164F8A28A991}}" xmlns:x14="{X14}"><x14:slicerCaches><x14:slicerCache '
    f'r:id="rIdSlicer"/></x14:slicerCaches></ext></extLst>'
)
# What Excel writes behind the cells of a sheet: sparklines and rules of 2010, a slicer.
EXTENSIONS = (
    f'<extLst><ext uri="{{78C0D931-6437-407d-A8EE-F0AAD7539E65}}" xmlns:x14="{X14}"><x14:conditionalFormattings>'
    f'<x14:conditionalFormatting xmlns:xm="{MS}/excel/2006/main"><x14:cfRule type="dataBar" '
    'id="{DA7ABA51-AAAA-BBBB-0001-000000000001}"><x14:dataBar minLength="0" maxLength="100" border="1"><x14:cfvo '
    'type="autoMin"/><x14:cfvo type="autoMax"/></x14:dataBar></x14:cfRule><xm:sqref>E10:E12</xm:sqref>'
    "</x14:conditionalFormatting></x14:conditionalFormattings></ext><ext "
    f'uri="{{05C60535-1F16-4fd2-B633-F4F36F0B64E0}}" xmlns:x14="{X14}"><x14:sparklineGroups '
    f'xmlns:xm="{MS}/excel/2006/main"><x14:sparklineGroup displayEmptyCellsAs="gap"><x14:sparklines><x14:sparkline>'
    "<xm:f>Inputs!E10:G10</xm:f><xm:sqref>Q10</xm:sqref></x14:sparkline></x14:sparklines></x14:sparklineGroup>"
    f'</x14:sparklineGroups></ext><ext uri="{{A8765BA9-456A-4dab-B4F3-ACF838C121DE}}" xmlns:x14="{X14}">'
    '<x14:slicerList><x14:slicer r:id="rIdSlice"/></x14:slicerList></ext></extLst>'
)
# Rows below everything: rows and cells without addresses, rich and inline texts, a spilled and a shared formula.
ROWS = (
    '<row r="900" spans="2:15" x14ac:dyDescent="0.25"><c r="B900" t="inlineStr"><is><r><rPr><b/></rPr><t '
    'xml:space="preserve">rich </t></r><r><t>text</t></r></is></c><c/><c t="inlineStr"><is><t xml:space="preserve">  '
    '_x0041_  </t></is></c></row><row x14ac:dyDescent="0.25"><c><v>1</v></c><c r="B901" cm="1"><f t="array" '
    'aca="1" ref="B901:B903" ca="1">_xlfn._xlws.SORT({3;1;2})</f><v>1</v></c><c r="D901"><f t="shared" ref="D901:D903" '
    'si="900">A901*2</f><v>2</v></c></row><row><c r="A902"><v>2</v></c><c r="B902"><v>2</v></c><c r="D902"><f '
    't="shared" si="900"/><v>4</v></c></row><row><c r="A903"><v>3</v></c><c r="B903"><v>3</v></c><c r="D903"><f '
    't="shared" si="900"/><v>6</v></c><c r="E903" t="s" vm="0"><v>{0}</v></c></row>'
)
DRAWN = (
    f'<xdr:wsDr xmlns:xdr="{DRAWING}" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
    '<xdr:twoCellAnchor editAs="oneCell"><xdr:from><xdr:col>17</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>1</xdr:row>'
    "<xdr:rowOff>0</xdr:rowOff></xdr:from><xdr:to><xdr:col>19</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>9</xdr:row>"
    "<xdr:rowOff>0</xdr:rowOff></xdr:to><mc:AlternateContent "
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    f'xmlns:sle15="{MS}/drawing/2012/slicer"><mc:Choice Requires="sle15"><xdr:graphicFrame macro=""/></mc:Choice>'
    '<mc:Fallback><xdr:sp macro="" textlink=""><xdr:nvSpPr><xdr:cNvPr id="0" name=""/><xdr:cNvSpPr/></xdr:nvSpPr>'
    '<xdr:spPr><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></xdr:spPr><xdr:txBody><a:bodyPr/><a:p><a:r><a:t>A slicer'
    "</a:t></a:r></a:p></xdr:txBody></xdr:sp></mc:Fallback></mc:AlternateContent><xdr:clientData/>"
    "</xdr:twoCellAnchor></xdr:wsDr>"
)
METADATA = (
    f'<metadata xmlns="{MAIN}" xmlns:xda="{MS}/spreadsheetml/2017/dynamicarray"><metadataTypes count="1"><metadataType '
    'name="XLDAPR" minSupportedVersion="120000" copy="1" pasteAll="1" pasteValues="1" merge="1" splitFirst="1" '
    'rowColShift="1" clearFormats="1" clearComments="1" assign="1" coerce="1" cellMeta="1"/></metadataTypes>'
    '<futureMetadata name="XLDAPR" count="1"><bk><extLst><ext uri="{bdbb8cdc-fa1e-496e-a857-3c3f30c029c3}">'
    '<xda:dynamicArrayProperties fDynamic="1" fCollapsed="0"/></ext></extLst></bk></futureMetadata><cellMetadata '
    'count="1"><bk><rc t="1" v="0"/></bk></cellMetadata></metadata>'
)
PIVOT_CACHE = (
    f'<pivotCacheDefinition xmlns="{MAIN}" xmlns:r="{OFFICE}" r:id="rId1" refreshedBy="me" refreshedVersion="8" '
    'recordCount="1"><cacheSource type="worksheet"><worksheetSource ref="E9:E10" sheet="Inputs"/></cacheSource>'
    '<cacheFields count="1"><cacheField name="Base" numFmtId="0"><sharedItems containsSemiMixedTypes="0" '
    'containsString="0" containsNumber="1" minValue="7" maxValue="7"/></cacheField></cacheFields>'
    "</pivotCacheDefinition>"
)
COMMENTS = (
    f'<comments xmlns="{MAIN}"><authors><author>tc={{1}}</author></authors><commentList><comment ref="E10" '
    'authorId="0" shapeId="0"><text><t>[Threaded comment] why?</t></text></comment></commentList></comments>'
)
THREAD = (
    f'<ThreadedComments xmlns="{MS}/spreadsheetml/2018/threadedcomments"><threadedComment ref="E10" '
    'dT="2026-01-01T00:00:00.00" personId="{2}" id="{1}"><text>why?</text></threadedComment></ThreadedComments>'
)
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def _links(*links):
    """A part of relations: kind and target of each."""
    body = "".join(
        f'<Relationship Id="{n}" Type="{kind if "/" in kind else f"{OFFICE}/{kind}"}" Target="{target}"/>'
        for n, (kind, target) in zip([f"rId{k}" for k in range(1, 99)], links, strict=False)
    )
    return f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{body}</Relationships>'


# part: (content type or None, content).  The binaries stand for what nobody here can read.
ADDED = {
    "xl/calcChain.xml": (
        f"{SPREADSHEET}.calcChain+xml",
        f'{HEAD}<calcChain xmlns="{MAIN}"><c r="B901" i="2" a="1"/><c r="D901" i="2" l="1"/></calcChain>',
    ),
    "xl/metadata.xml": (f"{SPREADSHEET}.sheetMetadata+xml", HEAD + METADATA),
    "xl/pivotCache/pivotCacheDefinition1.xml": (f"{SPREADSHEET}.pivotCacheDefinition+xml", HEAD + PIVOT_CACHE),
    "xl/pivotCache/pivotCacheRecords1.xml": (
        f"{SPREADSHEET}.pivotCacheRecords+xml",
        f'{HEAD}<pivotCacheRecords xmlns="{MAIN}" count="1"><r><n v="7"/></r></pivotCacheRecords>',
    ),
    "xl/pivotCache/_rels/pivotCacheDefinition1.xml.rels": (
        None,
        _links(("pivotCacheRecords", "pivotCacheRecords1.xml")),
    ),
    "xl/slicerCaches/slicerCache1.xml": (
        "application/vnd.ms-excel.slicerCache+xml",
        f'{HEAD}<slicerCacheDefinition xmlns="{X14}" name="Slicer_Base" sourceName="Base"/>',
    ),
    "xl/slicers/slicer1.xml": (
        "application/vnd.ms-excel.slicer+xml",
        f'{HEAD}<slicers xmlns="{X14}"><slicer name="Base" cache="Slicer_Base" rowHeight="241300"/></slicers>',
    ),
    "xl/drawings/drawing90.xml": ("application/vnd.openxmlformats-officedocument.drawing+xml", HEAD + DRAWN),
    "xl/comments90.xml": (f"{SPREADSHEET}.comments+xml", HEAD + COMMENTS),
    "xl/threadedComments/threadedComment1.xml": ("application/vnd.ms-excel.threadedcomments+xml", HEAD + THREAD),
    "xl/persons/person.xml": (
        "application/vnd.ms-excel.person+xml",
        f'{HEAD}<personList xmlns="{MS}/spreadsheetml/2018/threadedcomments"><person displayName="Me" id="{{2}}" '
        'userId="me" providerId="None"/></personList>',
    ),
    "xl/drawings/vmlDrawing90.vml": (
        "application/vnd.openxmlformats-officedocument.vmlDrawing",
        '<xml xmlns:v="urn:schemas-microsoft-com:vml"><v:shape id="_x0000_s1025"><br></v:shape></xml>',
    ),
    "xl/printerSettings/printerSettings1.bin": (f"{SPREADSHEET}.printerSettings", "\0\1printer\xff"),
    "customXml/item1.xml": (None, '<b:Sources xmlns:b="urn:b" SelectedStyle=""/>'),
    "customXml/itemProps1.xml": (
        "application/vnd.openxmlformats-officedocument.customXmlProperties+xml",
        '<ds:datastoreItem xmlns:ds="http://schemas.openxmlformats.org/officeDocument/2006/customXml" ds:itemID=""/>',
    ),
    "docMetadata/LabelInfo.xml": (
        "application/vnd.ms-office.classificationlabels+xml",
        f'<clbl:labelList xmlns:clbl="{MS}/2020/mipLabelMetadata"><clbl:label enabled="1"/></clbl:labelList>',
    ),
    "[trash]/0000.dat": (None, "\xff" * 20),
}
OF_INPUTS = (
    ("rIdDraw", "drawing", "../drawings/drawing90.xml"),
    ("rIdNote", "comments", "/xl/comments90.xml"),
    ("rIdVml", "vmlDrawing", "../drawings/vmlDrawing90.vml"),
    ("rIdThread", f"{MS}/2017/10/relationships/threadedComment", "../threadedComments/threadedComment1.xml"),
    ("rIdSlice", f"{MS}/2007/relationships/slicer", "../slicers/slicer1.xml"),
    ("rIdPrint", "printerSettings", "../printerSettings/printerSettings1.bin"),
)
OF_WORKBOOK = (
    ("rIdPivot", "pivotCacheDefinition", "pivotCache/pivotCacheDefinition1.xml"),
    ("rIdSlicer", f"{MS}/2007/relationships/slicerCache", "slicerCaches/slicerCache1.xml"),
    ("rIdChain", "calcChain", "/xl/calcChain.xml"),
    ("rIdMeta", "sheetMetadata", "metadata.xml"),
    ("rIdPerson", f"{MS}/2017/10/relationships/person", "persons/person.xml"),
    ("rIdCustom", "customXml", "../customXml/item1.xml"),
)


def _replaced(text, old, new):
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


def _linked(text, links):
    more = "".join(
        f'<Relationship Id="{n}" Type="{kind if "/" in kind else f"{OFFICE}/{kind}"}" Target="{target}"/>'
        for n, kind, target in links
    )
    return _replaced(text, "</Relationships>", more + "</Relationships>")


def by_excel(path, target):
    """A workbook of ours with what Excel writes into one that a person has worked in; .xlsm: with macros."""
    macros = target.suffix == ".xlsm"
    with zipfile.ZipFile(path) as package:
        parts = {n: package.read(n) for n in package.namelist()}
    book, types = parts["xl/workbook.xml"].decode(), parts["[Content_Types].xml"].decode()
    links = parts["xl/_rels/workbook.xml.rels"].decode()
    inputs_id = re.search(r'<sheet name="Inputs"[^>]* r:id="(\w+)"', book)[1]
    sheet = "xl/" + re.search(rf'Id="{inputs_id}"[^>]*Target="([^"]+)"|$', links)[1]
    text = parts[sheet].decode()
    text = re.sub(r"<worksheet [^>]*>", lambda _: SHEET_HEAD, text, count=1)
    text = re.sub(r'<row (r="\d+")', r'<row \1 x14ac:dyDescent="0.25"', text)
    strings = parts["xl/sharedStrings.xml"].decode()
    count = strings.count("<si>")
    text = _replaced(text, "</sheetData>", ROWS.replace("{0}", str(count)) + "</sheetData>")
    tail = '<drawing r:id="rIdDraw"/><legacyDrawing r:id="rIdVml"/>' + EXTENSIONS + "</worksheet>"
    text = _replaced(text, "</worksheet>", tail)
    item = '<si><t>漢字</t><rPh sb="0" eb="2"><t>かんじ</t></rPh><phoneticPr fontId="1"/></si></sst>'
    parts["xl/sharedStrings.xml"] = re.sub(
        r' (?:count|uniqueCount)="\d+"', "", _replaced(strings, "</sst>", item), count=2
    ).encode()
    # A part under another name, by an absolute target, as some programs link them.
    moved = "xl/worksheets/inputs.xml"
    own_links = parts.pop(sheet.replace("worksheets/", "worksheets/_rels/") + ".rels", None)
    own = (own_links or f'<Relationships xmlns="{PACKAGE}/relationships"></Relationships>'.encode()).decode()
    parts[f"xl/worksheets/_rels/{moved.rpartition('/')[2]}.rels"] = _linked(own, OF_INPUTS).encode()
    parts = {moved if n == sheet else n: text.encode() if n == sheet else v for n, v in parts.items()}
    types = types.replace(f"/{sheet}", f"/{moved}")
    links = links.replace(f'Target="{sheet[3:]}"', f'Target="/{moved}"')
    added = {**ADDED, **({"xl/vbaProject.bin": ("application/vnd.ms-office.vbaProject", "\xd0\xcf")} if macros else {})}
    overrides = "".join(f'<Override PartName="/{n}" ContentType="{t}"/>' for n, (t, _) in added.items() if t)
    overrides += '<Default Extension="dat" ContentType="application/octet-stream"/>'
    types = _replaced(types, "</Types>", overrides + "</Types>")
    if macros:
        types = types.replace(f"{SPREADSHEET}.sheet.main+xml", "application/vnd.ms-excel.sheet.macroEnabled.main+xml")
    vba = [("rIdVba", f"{MS}/2006/relationships/vbaProject", "vbaProject.bin")] if macros else []
    parts["xl/_rels/workbook.xml.rels"] = _linked(links, [*OF_WORKBOOK, *vba]).encode()
    parts["[Content_Types].xml"] = types.encode()
    book = _replaced(book, "<bookViews>", BEFORE_VIEWS + "<bookViews>")
    parts["xl/workbook.xml"] = re.sub(r"(<calcPr [^>]*/>)", r"\1" + AFTER_CALC, book).encode()
    parts |= {n: text.encode("latin-1") for n, (_, text) in added.items()}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts.items():
            package.writestr(name, data)
    return target


def by_openpyxl(path, target):
    """A workbook of ours that a script has put a chart, a picture, comments and rules into."""
    picture = target.with_name("p.png")
    picture.write_bytes(png())
    book = openpyxl.load_workbook(path)
    sheet = book["Inputs"]
    sheet["E10"].comment = Comment("why?", "me")
    sheet.conditional_formatting.add("E10:E12", DataBarRule("min", None, "max", None, "FF638EC6"))
    sheet.add_image(Image(str(picture)), "R2")
    chart = BarChart()
    chart.add_data(Reference(sheet, range_string="Inputs!$E$10:$G$10"), from_rows=True)
    sheet.add_chart(chart, "R9")
    book.create_sheet("Mine", 0)["A1"] = "=Inputs!$D$10*2"
    book.save(target)
    return target
