"""The linter: every template and example is clean, and each breach that is planted is found, and nothing else."""

import json
import shutil
import zipfile

import openpyxl
import pytest
from openpyxl.styles import Font
from openpyxl.workbook.defined_name import DefinedName
from test_templates import BOOKS, book

from xl_econ import cli
from xl_econ.core.errors import WorkbookError
from xl_econ.lint import colours, formula, run
from xl_econ.lint.rules import RULES
from xl_econ.lint.tokenizer import Token, Tokenizer
from xl_econ.workbook import scan, sheet_reader
from xl_econ.workbook.looks import rgb


def found(path):
    return [(f.sheet, f.cell, f.rule) for f in run.findings(path)]


@pytest.mark.unmeasured
@pytest.mark.parametrize(("name", "case"), BOOKS, ids=lambda x: getattr(x, "stem", x))
@pytest.mark.parametrize("flavour", ["plain", "lambda"])
def test_templates_and_cases_are_clean(name, case, flavour, tmp_path):
    path, _ = book(tmp_path, name, case, flavour)
    assert found(path) == []


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A built workbook, as openpyxl keeps it with the values stored beside its formulas."""
    return book(tmp_path_factory.mktemp("lint"), "gpu_buy_vs_rent")[0]


@pytest.fixture
def edited(built, tmp_path, monkeypatch):
    """Edits a copy with openpyxl, which keeps no stored values: they are the original's, or 1 for a new formula."""
    path = tmp_path / "edited.xlsx"
    shutil.copy(built, path)
    original = scan.scan(built)

    def with_values(of):
        book = real(of)
        for _, cell in book.formulas():
            was = original.cell(cell.sheet, cell.row, cell.column)
            cell.shown = 1.0 if was is None or was.shown is None else was.shown
        return book

    real = scan.scan
    monkeypatch.setattr(scan, "scan", with_values)

    def edit(change):
        wb = openpyxl.load_workbook(path)
        change(wb)
        wb.save(path)
        return found(path)

    return edit


def put(sheet, at, value, like=None, **style):
    """An edit: a value in a cell, in the look of another one, with parts of it changed."""

    def change(wb):
        cell = wb[sheet][at]
        if like:
            other = wb[like[0]][like[1]]
            cell._style = other._style.__copy__()
        for what, how in style.items():
            setattr(cell, what, how)
        cell.value = value

    return change


def hide(sheet, state):
    return lambda wb: setattr(wb[sheet], "sheet_state", state)


def hide_row(wb):
    wb["Results"].row_dimensions[6].hidden = True


def hide_column(wb):
    wb["Glossary"].column_dimensions["C"].hidden = True


def merge(wb):
    wb["Calculation"].merge_cells("D6:E6")


def name(text):
    return lambda wb: wb.defined_names.add(DefinedName("lost", attr_text=text))


CALC = ("Calculation", "D9")  # black
GREEN = ("Results", "E5")
FREE = ("Glossary", "F20")  # a cell that holds nothing
RED = Font(color="FFFF0000")

PLANTED = {
    "a formula in an input": ("input-holds-formula", put("Inputs", "E10", "=F10"), "Inputs", "E10"),
    "a number over a formula": ("constant-for-calculation", put("Calculation", "F9", 41800), "Calculation", "F9"),
    "a text over a formula": ("constant-for-calculation", put("Inputs", "D10", "about ten"), "Inputs", "D10"),
    "a number over a link": ("link-colour", put("Results", "E6", 7), "Results", "E6"),
    "arithmetic in green": ("link-colour", put(*FREE, "=Inputs!D10+Inputs!D11", GREEN), *FREE),
    "a link in black": ("link-colour", put(*FREE, "=Inputs!D10", CALC), *FREE),
    "red without reason": ("link-colour", put(*FREE, "=C5", font=RED), *FREE),
    "a figure in a formula": ("constant-in-formula", put(*FREE, "=Inputs!D10*1.21", CALC), *FREE),
    "a rounding is none, a percentage is": (
        "constant-in-formula",
        put(*FREE, "=ROUND(Inputs!D10,3)*5%", CALC),
        *FREE,
    ),
    "another formula in a case": ("formula-differs-in-row", put("Results", "F6", "=Calculation!F9"), "Results", "F6"),
    "another formula in a month": ("formula-differs-in-row", put("Timeline", "J8", "=I8+I9"), "Timeline", "J8"),
    "another formula in a grid": ("formula-differs-in-row", put("Sensitivity", "F9", "=E9+E8"), "Sensitivity", "F9"),
    "no unit": ("unit-missing", put("Calculation", "C9", None), "Calculation", "D9"),
    "OFFSET": ("volatile-function", put(*FREE, "=OFFSET(Inputs!D10,1,0)", CALC), *FREE),
    "TODAY": ("volatile-function", put(*FREE, "=TODAY()", CALC), *FREE),
    "another workbook": ("external-link", put(*FREE, "='[prices.xlsx]Sheet1'!B2", font=RED), *FREE),
    "a name in another workbook": ("external-link", name("'[prices.xlsx]Sheet1'!$B$2"), "", "lost"),
    "a whole column": ("whole-column", put(*FREE, "=SUM(Inputs!D:D)", CALC), *FREE),
    "an unknown name": ("unknown-name", put(*FREE, "=inputs.gone*C5", CALC), *FREE),
    "an unknown sheet": ("unknown-name", put(*FREE, "=Gone!A1*C5", CALC), *FREE),
    "an unknown function": ("unknown-name", put(*FREE, "=GPU_PRICE(C5)", CALC), *FREE),
    "an unknown column": ("unknown-name", put(*FREE, "=SUM(CloudPrices[gone])", CALC), *FREE),
    "an unknown table": ("unknown-name", put(*FREE, "=SUM(Gone[usd])", CALC), *FREE),
    "a lost reference": ("unknown-name", put(*FREE, "=#REF!*C5", CALC), *FREE),
    "a formula that cannot be read": ("unknown-name", put(*FREE, '=C5&"', CALC), *FREE),
    "a name that lost its reference": ("unknown-name", name("#REF!"), "", "lost"),
    "no source": ("input-without-source", put("Inputs", "K10", None), "Inputs", "E10"),
    "a source that was not given": (
        "source-not-given",
        put("Inputs", "K10", "Given without a source"),
        "Inputs",
        "E10",
    ),
    "no date": ("input-without-date", put("Inputs", "L10", "lately"), "Inputs", "E10"),
    "an error": ("error-value", put("Glossary", "F20", "#N/A"), *FREE),
    "a number as a text": ("text-number", put("Inputs", "E10", "12"), "Inputs", "E10"),
    "a merged figure": ("merged-figure", merge, "Calculation", "D6"),
    "a hidden sheet": ("hidden-sheet", hide("Sources", "hidden"), "Sources", ""),
    "a very hidden sheet": ("hidden-sheet", hide("Sources", "veryHidden"), "Sources", ""),
    "a hidden row": ("hidden-cells", hide_row, "Results", "B6"),
    "a hidden column": ("hidden-cells", hide_column, "Glossary", "C4"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_breach_is_found_and_nothing_else(planted, edited):
    rule, change, sheet, cell = PLANTED[planted]
    assert edited(change) == [(sheet, cell, rule)]


def test_every_rule_has_a_planted_breach(built):
    run.findings(built)
    assert {p[0] for p in PLANTED.values()} | {"no-stored-value"} == set(RULES)
    assert all(r.meaning and r.remedy and r.severity in ("error", "warning") for r in RULES.values())


def test_a_formula_that_was_never_calculated(built, tmp_path):
    openpyxl.load_workbook(built).save(tmp_path / "bare.xlsx")
    assert {rule for _, _, rule in found(tmp_path / "bare.xlsx")} == {"no-stored-value"}


def test_a_link_that_no_cell_uses(built):
    model = scan.scan(built)
    model.settings.links = ["prices.xlsx"]
    assert [f for f in RULES["external-link"].check(model)] == [
        ("", "", "the file keeps 1 link(s) to other workbooks that no cell uses")
    ]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("=A1*1.65", ["1.65"]),
        ("=A1*100%+5%", ["5"]),
        ("=A1*-3", ["3"]),
        ("=A1^3+2*A1-1", []),
        ("=A1^-3", []),
        ("=ROUND(A1,9)+ROUND(7,0)", ["7"]),
        ("=ROUND(A1*1.1,2)", ["1.1"]),
        ("=VLOOKUP(A1,T[],4,FALSE)", []),
        ("=VLOOKUP(4,T[],4,FALSE)", ["4"]),
        ('=CHOOSE(MATCH(A1,{"a","b"},0),A2,30)', ["30"]),
        ("=MATCH(A1,{3,8},0)", []),
        ("=SUM({3,8}*A1)", ["3", "8"]),
        ("=SUMPRODUCT(A1^{0,1,2,3,4}*({0,1,2,3,4}<A2))", []),
        ("=IF(COUNT(A1:A3)=3,A1,0)", []),
        ("=IF(SUM(A1:A3)=3,A1,0)", ["3"]),
        ("=IF(ABS(A1)<=1E-12,0,1)", []),
        ("=EXP(MAX(A1,-700))", []),
        ("=MAX(A1,700)", ["700"]),
        ("=A1-A1^2/2+A1^3/3", []),
        ('="12 of 13"&A1', []),
        ("=Year2024!B7+Table1[col 3]", []),
    ],
)
def test_which_numbers_are_figures(text, numbers):
    assert formula.parts(text).numbers == numbers


@pytest.mark.parametrize(
    "text",
    [
        "=A1*12.5+$B$2/Sheet1!C3-1E+5+2.5e-3+12E+5+1.5E-7",
        "='My, 5 Sheet''s'!A1*'x 7'!$B$2:C9+[1]Other!A1",
        '=IF(A1="5, ""6"" 7",3%,-4)&TRUE',
        "=SUM((A1:A3,B7))+COUNT(B:B,3:5)+FE-3+#N/A+#DIV/0!+Sheet1!#REF!",
        "=Costs[[#This Row],[in 5 years]]*Costs[It 7]+@A1",
        "=SUMPRODUCT({1,2.5;3,4},B1:C2)*7",
        "=A1 +\nB2*3.5",
        "=inf*nan+1_000*name_5",
        "=_x000B_+\v0*5+\v",
    ],
)
def test_the_operands_of_a_formula_are_those_of_its_tokens(text):
    tokens = [t for t in Tokenizer(text).items if t.type == Token.OPERAND]
    found = formula.parts(text)
    assert found.ranges == [t.value for t in tokens if t.subtype == Token.RANGE]
    assert found.errors == [t.value for t in tokens if t.subtype == Token.ERROR]
    assert set(found.numbers) <= {t.value for t in tokens if t.subtype == Token.NUMBER}


@pytest.mark.parametrize(
    ("one", "other"),
    [("=A1*12.5", "=B7*3.75"), ("=ROUND(A1*5,3)", "=ROUND($C$9*8,4)"), ("=MAX(A1,0)+3", "=MAX(A1,8)+0")],
)
def test_formulas_of_one_shape_keep_their_numbers(one, other):
    expected = {
        "=A1*12.5": ["12.5"], "=B7*3.75": ["3.75"], "=ROUND(A1*5,3)": ["5"], "=ROUND($C$9*8,4)": ["8"],
        "=MAX(A1,0)+3": ["3"], "=MAX(A1,8)+0": ["8"],
    }  # fmt: skip
    assert [formula.parts(t).numbers for t in (one, other)] == [expected[one], expected[other]]


@pytest.mark.parametrize("text", ["=SUM(A1", '="', "=A1)"])
def test_a_formula_that_cannot_be_read_stops_nothing(text):
    assert formula.parts(text).numbers == []


@pytest.mark.parametrize(
    ("colour", "seen", "claims"),
    [
        (None, "black", "calculation"),
        ({"rgb": "FF0000FF"}, "0000FF", "input"),
        ({"theme": "1"}, "black", "calculation"),
        ({"theme": "4"}, "", "other"),
        ({"indexed": "17"}, "008000", "link"),
        ({"indexed": "40"}, "", "other"),
        ({"auto": "1"}, "black", "calculation"),
    ],
)
def test_what_a_colour_claims(colour, seen, claims):
    assert rgb(colour, "black") == seen
    assert colours.kind(seen) == claims


def plain_workbook(path):
    """A workbook that knows nothing of our templates."""
    wb = openpyxl.Workbook()
    ws = wb.active
    ws.append(["Region", "Units", "Price"])
    ws.append(["North", 3, 4])
    ws["XFD1048576"] = "far away"
    ws["D2"] = "=B2*C2*1.19"
    wb.save(path)
    return path


def lint(args, capsys):
    code = cli.main(["lint", *map(str, args)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_workbook_of_somebody_else(tmp_path, capsys):
    path = plain_workbook(tmp_path / "plain.xlsx")
    code, out, err = lint([path], capsys)
    assert (code, err) == (1, "")
    first, *_, last = out.splitlines()
    assert first.startswith(
        f"{path}: Sheet!B2 [constant-for-calculation] error: typed value in a calculation cell: 3 ("
    )
    assert f"{path}: Sheet!D2 [constant-in-formula] error: 1.19 in =B2*C2*1.19 (put it into an input" in out
    assert last == f"{path}: 4 errors"


def test_json_of_clean_and_unclean(built, tmp_path, capsys):
    path = plain_workbook(tmp_path / "plain.xlsx")
    code, out, _ = lint([built, "--json"], capsys)
    assert code == 0
    assert json.loads(out) == {
        "files": [str(built)],
        "findings": [],
        "summary": {"files": 1, "findings": 0, "error": 0, "warning": 0},
    }
    code, out, _ = lint([built, path, "--json"], capsys)
    assert code == 1
    answer = json.loads(out)
    assert answer["summary"] == {"files": 2, "findings": 4, "error": 4, "warning": 0}
    assert {f["file"] for f in answer["findings"]} == {str(path)}
    assert list(answer["findings"][0]) == ["file", "sheet", "cell", "rule", "severity", "message"]


def test_long_lists_are_cut_on_a_terminal_and_several_files_summed(built, tmp_path, capsys):
    openpyxl.load_workbook(built).save(tmp_path / "bare.xlsx")
    code, out, _ = lint([built, tmp_path / "bare.xlsx"], capsys)
    assert code == 1
    assert f"{built}: no findings\n" in out
    assert "[no-stored-value]" in out
    assert "more not shown" in out
    assert out.splitlines()[-1].startswith("2 workbooks: ")
    assert len(out.splitlines()) < 250


def test_unreadable_files(tmp_path, capsys):
    for name, content in (("text.xlsx", b"no workbook"), ("old.xls", bytes.fromhex("d0cf11e0a1b11ae1"))):
        (tmp_path / name).write_bytes(content)
        assert lint([tmp_path / name], capsys)[0] == 4
    assert lint([tmp_path / "gone.xlsx"], capsys)[0] == 4
    with zipfile.ZipFile(tmp_path / "broken.xlsx", "w") as z:
        z.writestr("xl/workbook.xml", "<workbook/>")
    code, _, err = lint([tmp_path / "broken.xlsx"], capsys)
    assert code == 4
    assert err.startswith(f"xl-econ: {tmp_path / 'broken.xlsx'}: the linter cannot read it: ")
    assert err.count("\n") == 1


def test_limits(built, monkeypatch):
    with pytest.raises(WorkbookError, match=r"the linter did not finish in 0\.01 s"):
        run.lint(built, seconds=0.01)
    monkeypatch.setattr(run, "MEMORY", 1 << 20)
    with pytest.raises(WorkbookError, match="the linter cannot read it"):
        run.lint(built)
    monkeypatch.setattr(sheet_reader, "MAX_CELLS", 10)
    with pytest.raises(WorkbookError, match="more than 10 cells"):
        run.findings(built)
