"""The named functions in workbooks that somebody else made: the right numbers, and not a byte changed besides."""

import json
import re
import zipfile

import openpyxl
import pytest
import rich
import xlsxwriter
from support import close, random_inputs

from xl_econ import cli
from xl_econ.addin.names import Book
from xl_econ.core.errors import XlEconError
from xl_econ.hosts.python import function
from xl_econ.metrics import REGISTRY
from xl_econ.tables.store import TABLES
from xl_econ.workbook import added, rate_card
from xl_econ.workbook.defined import Defined, defined, with_names
from xl_econ.workbook.recalc import recalculate

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported.*:UserWarning")
WORKBOOK = "xl/workbook.xml"
LIBREOFFICE = pytest.param("libreoffice", marks=pytest.mark.libreoffice)
FREE = {m.name for m in REGISTRY.values() if not m.tables}


def contents(path):
    with zipfile.ZipFile(path) as package:
        return {i.filename: (i.date_time, i.external_attr, package.read(i)) for i in package.infolist()}


def run(*arguments):
    return cli.main(["addin", "names", *map(str, arguments)])


def saved(path, kind):
    if kind == "libreoffice":
        return rich.by_libreoffice(path)
    return rich.by_openpyxl(path) if kind == "openpyxl" else path


def calling(path):
    """A workbook whose formulas call every function; answers with the number that the core gives, by cell."""
    expected = {}
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("T")
        row = 0
        for m in REGISTRY.values():
            for inputs in random_inputs(m, 2, seed=3):
                places = []
                for value in inputs.values():
                    cells = list(value) if isinstance(value, list | tuple) else [value]
                    for cell in cells:
                        sheet.write(row, 0, cell)
                        row += 1
                    places.append(f"$A${row - len(cells) + 1}:$A${row}" if len(cells) > 1 else f"$A${row}")
                sheet.write_formula(row, 1, f"={m.name}({','.join(places)})", None, 0)
                try:
                    expected["T", f"B{row + 1}"] = function(m.name)(**inputs)
                except XlEconError as e:
                    expected["T", f"B{row + 1}"] = e.cell
                row += 1
    return expected


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["xlsxwriter", "openpyxl", LIBREOFFICE])
def test_every_function_gives_the_core_s_number(kind, tmp_path):
    expected = calling(tmp_path / "b.xlsx")
    path = saved(tmp_path / "b.xlsx", kind)
    assert run(path, "--tables") == 0
    computed = recalculate(path)
    wrong = {at: (computed.get(at), want) for at, want in expected.items() if not close(computed.get(at), want)}
    assert wrong == {}
    assert len(expected) == 2 * len(REGISTRY)


@pytest.mark.parametrize("kind", ["xlsx", "xlsm", "openpyxl", LIBREOFFICE])
def test_only_the_workbook_part_changes(kind, tmp_path):
    path = saved(rich.rich(tmp_path / ("b.xlsm" if kind == "xlsm" else "b.xlsx")), kind)
    before = contents(path)
    assert run(path) == 0
    after = contents(path)
    assert list(after) == list(before)
    assert {n for n in after if after[n] != before[n]} == {WORKBOOK}
    held = {d.name: d for d in defined(after[WORKBOOK][2].decode())}
    assert set(held) == FREE | {"rate"}
    old = [d for d in defined(before[WORKBOOK][2].decode())]
    assert [held[d.name] for d in old] == old
    assert held["CRF"].comment.startswith("xl-econ ")
    assert set(openpyxl.load_workbook(path).defined_names) == set(held)
    # And out again: what is left asks for a computation, and is otherwise as it was.
    assert run(path, "--remove") == 0
    assert defined(contents(path)[WORKBOOK][2].decode()) == old


def test_again_changes_nothing(tmp_path, capsys):
    path = rich.rich(tmp_path / "b.xlsx")
    run(path)
    before = path.read_bytes()
    assert run(path) == 0
    assert path.read_bytes() == before
    assert f"there already: {len(FREE)} (" in capsys.readouterr().out


def test_a_template_of_the_lambda_flavour_has_them_already(tmp_path, capsys):
    path = tmp_path / "b.xlsx"
    cli.main(["new", "training_budget", "--flavour", "lambda", "-o", str(path)])
    before = path.read_bytes()
    capsys.readouterr()
    assert run(path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["added"], found["replaced"], found["written"]) == ([], [], None)
    assert {"GPU_SPEC", "CRF"} <= set(found["kept"])
    assert path.read_bytes() == before


def put(path, *names):
    """Names as somebody left them in a workbook."""
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("S").write_formula("A1", "=CRF(0.1,5)")
    parts = contents(path)
    with zipfile.ZipFile(path, "w") as package:
        for name, (_, _, content) in parts.items():
            if name == WORKBOOK:
                block = f"<definedNames>{''.join(names)}</definedNames>"
                package.writestr(name, content.replace(b"</sheets>", b"</sheets>" + block.encode()))
            else:
                package.writestr(name, content)
    return path


OLD = (
    "_xlfn.LAMBDA(_xlpm.x,_xlfn.LET(_xlpm.typed,ISNUMBER(_xlpm.x),"
    "IF(_xlpm.typed,_xlpm.x,IF(_xlpm.typed,SQRT(-1),VALUE(&quot;?&quot;)))))"
)


def test_one_of_another_version_is_replaced_and_said(tmp_path, capsys):
    marked = '<definedName name="MFU" comment="xl-econ 0.0.1: of old">_xlfn.LAMBDA(1)</definedName>'
    path = put(tmp_path / "b.xlsx", f'<definedName name="crf">{OLD}</definedName>', marked)
    assert run(path) == 0
    assert "replaced (of another version, or edited): 2 (CRF, MFU)" in capsys.readouterr().out
    found = defined(contents(path)[WORKBOOK][2].decode())
    assert [d.name for d in found if d.name.upper() == "CRF"] == ["CRF"]
    # 0.1 / (1 - 1.1 ** -5)
    assert close(recalculate(path)["S", "A1"], 0.26379748079474546)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ('<definedName name="crf">S!$A$1</definedName>', "a name crf is there already: =S!$A$1"),
        ('<definedName name="Crf" localSheetId="0">5</definedName>', "a name Crf on S is there already: =5"),
        (f'<definedName name="CRF" localSheetId="0">{OLD}</definedName>', "a name CRF on S is there already"),
        (f'<definedName name="CRF" hidden="1">{OLD}</definedName>', "a name CRF is there already"),
        ('<definedName name="CRF" function="1" xlm="1">M!$A$1</definedName>', "a name CRF is there already"),
        ('<definedName name="CRF">_xlfn.LAMBDA(_xlpm.x,_xlpm.x+1)</definedName>', "a name CRF is there already"),
    ],
)
def test_a_name_of_somebody_else_is_never_touched(name, said, tmp_path, capsys):
    path = put(tmp_path / "b.xlsx", name)
    assert run(path) == 1
    out = capsys.readouterr().out
    assert f"CRF: conflict: {said}" in out
    assert f"added: {len(FREE) - 1} (" in out
    assert name in contents(path)[WORKBOOK][2].decode()
    assert run(path, "--remove") == 0
    assert name in contents(path)[WORKBOOK][2].decode()


def test_a_table_of_that_name_is_in_the_way(tmp_path, capsys):
    with xlsxwriter.Workbook(str(tmp_path / "b.xlsx")) as book:
        book.add_worksheet("S").add_table("A1:B3", {"name": "mfu"})
    assert run(tmp_path / "b.xlsx") == 1
    assert "MFU: conflict: an Excel Table on S has this name" in capsys.readouterr().out


def test_removing_says_who_still_calls(tmp_path, capsys):
    path = put(tmp_path / "b.xlsx")
    run(path)
    capsys.readouterr()
    assert run(path, "--remove") == 0
    out = capsys.readouterr().out
    assert f"removed: {len(FREE)} (" in out
    assert "CRF: 1 cell calls it and will show #NAME?" in out
    assert run(path, "--remove") == 0
    assert capsys.readouterr().out == "no named functions of xl-econ\nnothing written\n"


def test_functions_without_their_tables_are_listed(tmp_path, capsys):
    path = rich.rich(tmp_path / "b.xlsx")
    assert run(path) == 0
    found = capsys.readouterr()
    assert "GPU_SPEC: not added, the workbook lacks Accelerators" in found.out
    assert found.err == "--tables adds the missing tables, a sheet each\n"


def with_table(path, columns, name="Accelerators"):
    with xlsxwriter.Workbook(str(path)) as book:
        last = len(columns) - 1
        book.add_worksheet("Accelerators").add_table(
            2, 1, 4, 1 + last, {"name": name, "columns": [{"header": c} for c in columns]}
        )
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c, None),
        (lambda c: [*c, "mine"], None),
        (lambda c: c[1:], "Accelerators: column accelerator"),
        (lambda c: [c[1], c[0], *c[2:]], "Accelerators: the columns in the order of xl-econ tables"),
    ],
)
def test_a_table_must_have_its_columns(change, said, tmp_path, capsys):
    path = with_table(tmp_path / "b.xlsx", change(list(TABLES["accelerators"].columns)))
    run(path, "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["missing"].get("GPU_SPEC") == ([said] if said else None)


# Tables


@pytest.mark.parametrize("kind", ["xlsx", "xlsm", "openpyxl", LIBREOFFICE])
def test_tables_are_new_parts(kind, tmp_path):
    path = saved(rich.rich(tmp_path / ("b.xlsm" if kind == "xlsm" else "b.xlsx")), kind)
    before = contents(path)
    assert run(path, "--tables") == 0
    after = contents(path)
    assert list(after)[: len(before)] == list(before)
    changed = {n for n in before if after[n] != before[n]}
    assert changed == {WORKBOOK, "xl/_rels/workbook.xml.rels", "[Content_Types].xml"}
    read = rate_card.read(path)
    for name, rows in read.items():
        assert [r.model_dump() for r in rows.values()] == [r.model_dump() for r in TABLES[name].rows.values()]
    book = openpyxl.load_workbook(path)
    ids = [t.id for s in book for t in s.tables.values()]
    assert len(set(ids)) == len(ids) >= len(read)
    numbers = re.findall(r'sheetId="(\d+)"', after[WORKBOOK][2].decode())
    assert len(set(numbers)) == len(numbers) == len(book.sheetnames)
    assert set(read) == {t.name for m in REGISTRY.values() for t in m.tables}


def test_tables_beside_what_is_there(tmp_path, capsys):
    columns = list(TABLES["accelerators"].columns)
    path = with_table(tmp_path / "b.xlsx", columns, "Mine")
    assert run(path, "--tables") == 0
    assert {"Accelerators", "Accelerators 2"} <= set(openpyxl.load_workbook(path).sheetnames)
    path = with_table(tmp_path / "c.xlsx", columns[:-1])
    capsys.readouterr()
    assert run(path, "--tables") == 1
    assert "Accelerators: conflict: the table on Accelerators lacks grade" in capsys.readouterr().out
    path = put(tmp_path / "d.xlsx", '<definedName name="Precisions">5</definedName>')
    assert run(path, "--tables") == 1
    out = capsys.readouterr().out
    assert "Precisions: conflict: a name Precisions is there already: =5" in out
    assert "WEIGHTS_GB: not added, the workbook lacks Precisions" in out


def test_a_rate_card_in_use_is_what_is_added(tmp_path):
    card, path = tmp_path / "card.xlsx", rich.rich(tmp_path / "b.xlsx")
    cli.main(["new", "rate_card", "-o", str(card)])
    book = openpyxl.load_workbook(card)
    sheet = book["Assumptions"]
    head = [c.value for c in sheet[5]]
    sheet.cell(6, head.index("value") + 1).value = 0.123
    book.save(card)
    assert run(path, "--tables", "--rate-card", card) == 0
    assert next(iter(rate_card.read(path)["assumptions"].values())).value == 0.123


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"<sheets>", b'<workbookProtection lockStructure="1"/><sheets>', "its structure is protected"),
        (rich.MAIN.encode(), b"http://purl.oclc.org/ooxml/spreadsheetml/main", "is a Strict Open XML workbook"),
    ],
)
def test_workbooks_that_take_no_sheets(old, new, said, tmp_path, capsys):
    path = put(tmp_path / "b.xlsx")
    parts = contents(path)
    with zipfile.ZipFile(path, "w") as package:
        for name, (_, _, content) in parts.items():
            package.writestr(name, content.replace(old, new) if name == WORKBOOK else content)
    before = path.read_bytes()
    assert run(path, "--tables") == 4
    assert said in capsys.readouterr().err
    assert path.read_bytes() == before
    assert run(path) == 0


def test_tables_come_twice_under_other_part_names(tmp_path):
    """As where a table of ours was added, and the others are wanted later."""
    path = rich.rich(tmp_path / "b.xlsx")
    book = Book(path)
    one = added.TableSheet("Accelerators_old", "About", ["", "x"], ["a", "b"], [["1", 2.0], [None, 3.0]])
    part, extension = added.with_tables(book.parts, book.part, [one])
    added.write(book.parts, path, {**extension.changed, WORKBOOK: part.encode()}, extension.added)
    assert run(path, "--tables") == 0
    names = list(contents(path))
    assert len(set(names)) == len(names)
    read = openpyxl.load_workbook(path)
    assert read["Accelerators_old"]["B5"].value == 3
    assert len(rate_card.read(path)) == 17
    links = contents(path)["xl/_rels/workbook.xml.rels"][2].decode()
    assert len(set(re.findall(r'Id="(\w+)"', links))) == links.count("<Relationship ")


def spoiled(names=(), content=b"?"):
    """A copy that is not what it should be."""

    def rewrite(source, target, parts, added=None):
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
            for name in old.namelist():
                if name != "docProps/app.xml" or content:
                    new.writestr(name, content if name in names else parts.get(name, old.read(name)))

    return rewrite


def broken(*args, **kwargs):
    raise ValueError("a part ends too early")


@pytest.mark.parametrize(
    ("rewrite", "said"),
    [
        (spoiled(["xl/styles.xml"]), "xl/styles.xml was not copied as it is; nothing is written"),
        (spoiled(content=b""), "the copy does not hold the same parts; nothing is written"),
        (broken, "cannot be copied: a part ends too early"),
    ],
)
def test_a_copy_that_is_not_right_takes_no_place(rewrite, said, tmp_path, capsys, monkeypatch):
    path = rich.rich(tmp_path / "b.xlsx")
    before = path.read_bytes()
    monkeypatch.setattr(added, "rewrite", rewrite)
    assert run(path) == 4
    assert said in capsys.readouterr().err
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.xlsx", "p.png"]


def test_a_workbook_that_changes_meanwhile(tmp_path, capsys, monkeypatch):
    path, real = rich.rich(tmp_path / "b.xlsx"), added.rewrite

    def slow(*args, **kwargs):
        real(*args, **kwargs)
        path.write_bytes(path.read_bytes() + b" ")

    monkeypatch.setattr(added, "rewrite", slow)
    assert run(path) == 4
    assert "was changed by another program meanwhile" in capsys.readouterr().err


# The command


def test_a_copy_leaves_the_workbook(tmp_path, capsys):
    path, other = rich.rich(tmp_path / "b.xlsx"), tmp_path / "c.xlsx"
    before = path.read_bytes()
    assert run(path, "-o", other) == 0
    assert f"written: {other}" in capsys.readouterr().out
    assert path.read_bytes() == before
    assert run(path, "-o", other) == 4
    assert "--force replaces it" in capsys.readouterr().err
    assert run(path, "-o", other, "--force") == 0
    assert run(path, "--remove", "-o", tmp_path / "d.xlsx") == 0
    assert contents(tmp_path / "d.xlsx") == contents(path)


def test_a_dry_run_writes_nothing(tmp_path, capsys):
    path = rich.rich(tmp_path / "b.xlsx")
    before = path.read_bytes()
    assert run(path, "--tables", "--dry-run", "-o", tmp_path / "c.xlsx") == 0
    out = capsys.readouterr().out
    assert "tables added: " in out
    assert out.endswith("nothing written (--dry-run)\n")
    assert path.read_bytes() == before
    assert not (tmp_path / "c.xlsx").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["none.xlsx"], 4, "none.xlsx"),
        (["b.xlsx", "--remove", "--tables"], 2, "ask for one of them"),
        (["text.xlsx"], 4, "not an .xlsx workbook"),
        (["b.xlsx", "-o", "c.xlsm"], 2, "c.xlsm: a copy of b.xlsx ends with .xlsx, as that does"),
        (["b.xlsx", "-o", "."], 4, "is a folder; name a file in it"),
        ([], 2, "required: F"),
        (["b.xlsx", "-o", "no/folder/c.xlsx"], 4, "cannot be written"),
    ],
)
def test_what_cannot_be_done(arguments, code, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rich.rich(tmp_path / "b.xlsx")
    (tmp_path / "text.xlsx").write_text("text")
    before = (tmp_path / "b.xlsx").read_bytes()
    assert run(*arguments) == code
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert (tmp_path / "b.xlsx").read_bytes() == before


def test_a_workbook_open_elsewhere(tmp_path, capsys):
    path = rich.rich(tmp_path / "b.xlsx")
    (tmp_path / "~$b.xlsx").write_text("")
    assert run(path) == 4
    assert "open in another program" in capsys.readouterr().err


def test_a_part_that_is_not_utf_8(tmp_path):
    path = put(tmp_path / "b.xlsx")
    parts = contents(path)
    with zipfile.ZipFile(path, "w") as package:
        for name, (_, _, content) in parts.items():
            text = content.decode().replace("UTF-8", "UTF-16") if name == WORKBOOK else ""
            package.writestr(name, text.encode("utf-16") if text else content)
    assert run(path) == 0
    assert "CRF" in {d.name for d in defined(contents(path)[WORKBOOK][2].decode("utf-16"))}


def test_prefixes_as_other_programs_write_them(tmp_path):
    row = '<row r="1"><c r="A1"><f>CRF(0.1,5)</f></c></row>'
    sheet = f'<worksheet xmlns="{rich.MAIN}"><sheetData>{row}</sheetData></worksheet>'
    path = rich.by_hand(tmp_path / "b.xlsx", sheet)
    assert run(path, "--tables") == 0
    text = contents(path)[WORKBOOK][2].decode()
    assert '<x:definedName name="CRF"' in text
    assert '<x:sheet name="Accelerators"' in text
    assert len(Book(path).areas) == len(rate_card.read(path))


# Names in a part


def test_a_list_of_names_is_made_where_it_belongs():
    one = [Defined("A", "1<2", 'say "&"')]
    element = '<definedName name="A" comment="say &quot;&amp;&quot;">1&lt;2</definedName>'
    for before, after in (
        ("<sheets></sheets>", "<calcPr/>"),
        ("<sheets></sheets><externalReferences/>", ""),
        ("<p:sheets></p:sheets><p:externalReferences></p:externalReferences>", ""),
    ):
        made = with_names(f"<w>{before}{after}</w>", one)
        p = "p:" if "p:" in before else ""
        named = element.replace("definedName", f"{p}definedName")
        assert made == f"<w>{before}<{p}definedNames>{named}</{p}definedNames>{after}</w>"
        assert defined(made) == one
        assert with_names(made, dropped=["a"]) == f"<w>{before}{after}</w>"
    assert with_names("<sheets/><definedNames/>", one) == f"<sheets/><definedNames>{element}</definedNames>"
    assert with_names("<sheets></sheets>") == "<sheets></sheets>"
    with pytest.raises(XlEconError, match="has no sheets"):
        with_names("<w/>", one)
    with pytest.raises(XlEconError, match="can be no name"):
        with_names("<sheets></sheets>", [Defined('A"', "1")])
