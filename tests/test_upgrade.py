"""A filled workbook in the template's current version: nothing that a person did is lost without a word."""

import json
import zipfile

import openpyxl
import pytest
from test_edited import edited, run

from xl_econ.templates import build, fill, layout, pristine
from xl_econ.templates.edited import Edited
from xl_econ.workbook.names import with_names
from xl_econ.workbook.package import rewrite
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.patch import patch
from xl_econ.workbook.read import formulas
from xl_econ.workbook.recalc import differences, recalculate
from xl_econ.workbook.references import moved

CURRENT = layout.load("training_budget")
# What the version before this one would have said: (in the current layout, in the old one).
OLDER = [
    ('version = "1.0"\nas_of', 'version = "0.9"\nas_of'),
    ('label = "Active parameters"', 'label = "Parameters"'),
    ("base = 0.5, source", "base = 0.3, source"),
    ('formula = "compute_usd - run_usd"', 'formula = "(compute_usd - run_usd) * 2"'),
    ("other_usd", "bygone_usd"),
    ('label = "Other cost", quantity = "Usd", base = 0,', 'label = "Bygone", quantity = "Usd", base = 5000,'),
    (
        '{ key = "staff_usd", label = "of which staff",',
        '{ key = "doubled_usd", label = "Twice", formula = "bygone_usd * 2" },\n  '
        '{ key = "staff_usd", label = "of which staff",',
    ),
]


def older_layout():
    text = (layout.folder() / "training_budget.toml").read_text(encoding="utf-8")
    for now, before in OLDER:
        assert now in text
        text = text.replace(now, before)
    return layout.parse(text, "an older version")


OLD = older_layout()


def of(template, path, *settings, flavour="plain"):
    case = fill.with_settings(fill.Case("x"), settings, template)
    build.build(fill.model(template, case), path, flavour, case.texts)
    return path


def by_hand(path, edit, name="edited.xlsx"):
    """The workbook after a person's edits in a program that keeps what it does not know, as Excel does."""
    book = openpyxl.load_workbook(path)
    edit(book)
    book.save(path.with_name("saved.xlsx"))
    return with_pristine(path.with_name("saved.xlsx"), path, path.with_name(name))


def with_pristine(saved, before, target):
    links = "xl/_rels/workbook.xml.rels"
    with zipfile.ZipFile(saved) as a, zipfile.ZipFile(before) as b:
        text, part = a.read(links).decode(), b.read(pristine.PART)
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/customXml"
    link = f'<Relationship Id="rIdKept" Type="{kind}" Target="../customXml/item7.xml"/>'
    text = text.replace("</Relationships>", f"{link}</Relationships>")
    rewrite(saved, target, {links: text.encode()}, added={"customXml/item7.xml": part})
    return target


def upgraded(path, capsys, *options, code=0):
    found, printed, err = run(["upgrade", path, "--json", *options], capsys)
    assert (found, err) == (code, ""), printed
    return json.loads(printed)


def calculation_row(path, key):
    sheet = openpyxl.load_workbook(path)["Calculation"]
    return next(r for r in range(5, sheet.max_row) if str(sheet.cell(r, 8).value).startswith(f"{key} = "))


def test_a_current_workbook_stays_what_it_is(tmp_path, capsys):
    path = of(CURRENT, tmp_path / "a.xlsx", "Low.mfu=0.3", "case=low", "owner=Me")
    code, printed, err = run(["upgrade", path, "-o", tmp_path / "b.xlsx"], capsys)
    assert (code, err) == (0, "")
    assert printed == f"{tmp_path / 'b.xlsx'}\n  training_budget 1.0 -> 1.0\n"
    assert (tmp_path / "b.xlsx").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("flavour", build.FLAVOURS)
def test_an_older_workbook_that_nobody_edited_is_built_anew(flavour, tmp_path, capsys):
    path = of(OLD, tmp_path / "a.xlsx", "mfu=0.37", "case=high", "Low.bygone_usd=7", flavour=flavour)
    [key] = [c for c in openpyxl.load_workbook(path)["Accelerators"]["A"] if c.value == "H100 SXM 80GB"]
    patch(Parts(path), path, {("Accelerators", f"C{key.row}"): "Mine"})
    report = upgraded(path, capsys)
    assert (report["from"], report["to"], report["output"], report["how"]) == ("0.9", "1.0", str(path), "built anew")
    assert report["inputs_added"] == ["other_usd"]
    assert [(g["key"], g["values"]) for g in report["inputs_gone"]] == [
        ("bygone_usd", {"Base": 5000, "Low": 7, "High": 5000})
    ]
    assert {(d["key"], d["old"], d["new"], d["taken"]) for d in report["defaults"]} == {
        ("experiment_share", 0.3, 0.5, True)
    }
    after = Edited(path)
    assert after.stamp.version == "1.0"
    assert after.stamp == after.stamped()
    case = after.read()
    assert (case.values["Base"]["mfu"], case.values["Base"]["experiment_share"], case.selected) == (0.37, 0.5, "High")
    assert case.values["Base"]["other_usd"] == CURRENT.by_key["other_usd"].base
    assert after.book.value("Accelerators", f"C{key.row}") == "Mine", "the tables are the workbook's own"


def edits(book):
    """Edits that no change of the template touches, and a sheet, a row, a column and a format of one's own."""
    book["Calculation"]["I8"] = "my note"
    book.create_sheet("Mine")["A1"] = "=Inputs!D10*2"
    book["Mine"]["A1"].comment = openpyxl.comments.Comment("a comment", "me")
    book["Glossary"].insert_rows(3)
    book["Glossary"]["B3"] = "A line of mine"
    book["Glossary"].title = "Words"
    book["Results"]["D5"].number_format = "0"
    book["Calculation"]["K8"] = "beside"


@pytest.mark.parametrize("flavour", build.FLAVOURS)
def test_an_older_workbook_that_was_edited_is_merged(flavour, tmp_path, capsys):
    path = by_hand(of(OLD, tmp_path / "a.xlsx", "mfu=0.37", flavour=flavour), edits)
    before = path.read_bytes()
    report = upgraded(path, capsys, "-o", tmp_path / "b.xlsx")
    assert path.read_bytes() == before
    assert (report["how"], report["conflicts"], report["unmerged"], report["base_known"]) == ("merged", [], [], True)
    book = openpyxl.load_workbook(tmp_path / "b.xlsx")
    assert book["Mine"]["A1"].value == "=Inputs!D10*2"
    assert book["Mine"]["A1"].comment.text == "a comment"
    assert (book["Words"]["B3"].value, book["Calculation"]["K8"].value) == ("A line of mine", "beside")
    assert (book["Calculation"]["I8"].value, book["Results"]["D5"].number_format) == ("my note", "0")
    assert book["Inputs"]["B10"].value == "Active parameters", "the template renamed it"
    row = calculation_row(tmp_path / "b.xlsx", "experiments_usd")
    assert book["Calculation"][f"D{row}"].value.count("*2") == 0
    # What it computes is what a new workbook with this case computes.
    fresh = of(CURRENT, tmp_path / "fresh.xlsx", "mfu=0.37", flavour=flavour)
    a, b = Edited(tmp_path / "b.xlsx"), Edited(fresh)
    assert a.read().values == b.read().values
    for key, at in b.named_results().items():
        assert a.book.value(*a.named_results()[key]) == pytest.approx(b.book.value(*at), rel=1e-12)
    assert list(differences(formulas(a.path), recalculate(a.path), 1e-12)) == []
    assert a.stamp == a.stamped()
    # The new input is one: it fills, and counts in the check of the bounds.
    assert run(["fill", a.path, "--set", "other_usd=1000"], capsys)[0] == 0
    assert Edited(a.path).book.value(*a.named_results()["program_usd"]) == pytest.approx(
        b.book.value(*b.named_results()["program_usd"]) + 1000
    )
    sheet, cell = a.beside("other_usd", "Base")
    patch(Parts(a.path), a.path, {(sheet, cell): -1.0})
    assert run(["recalc", a.path, "--write"], capsys)[0] == 0
    assert Edited(a.path).checks({}) != "All checks pass"
    # The same again, to the byte; and once more there is nothing to do.
    upgraded(path, capsys, "-o", tmp_path / "c.xlsx")
    twice = upgraded(tmp_path / "c.xlsx", capsys, "-o", tmp_path / "d.xlsx")
    assert (twice["changed"], twice["conflicts"], twice["from"]) == ([], [], "1.0")
    upgraded(path, capsys, "-o", tmp_path / "e.xlsx")
    assert (tmp_path / "c.xlsx").read_bytes() == (tmp_path / "e.xlsx").read_bytes()


def test_what_both_changed_stays_and_is_listed(tmp_path, capsys):
    old = of(OLD, tmp_path / "a.xlsx")
    row = calculation_row(old, "experiments_usd")

    def edit(book):
        book["Calculation"][f"F{row}"] = "=1+1"
        book["Inputs"]["B10"] = "My parameters"
        book["Inputs"]["E18"] = 0.11

    path = by_hand(old, edit)
    before = path.read_bytes()
    report = upgraded(path, capsys, "--dry-run", code=1)
    assert (report["output"], path.read_bytes()) == (None, before)
    report = upgraded(path, capsys, code=1)
    assert report["output"] == str(path)
    listed = {(c["sheet"], c["cell"]): (c["mine"], c["new"]) for c in report["conflicts"]}
    assert listed["Inputs", "B10"] == ("My parameters", "Active parameters")
    assert listed["Calculation", f"F{row}"][0] == "=1+1"
    assert len(listed) == 2
    book = openpyxl.load_workbook(path)
    assert (book["Inputs"]["B10"].value, book["Calculation"][f"F{row}"].value) == ("My parameters", "=1+1")
    assert book["Calculation"][f"G{row}"].value.count("*2") == 0
    # Where the user's input is not the template's any more, the new default is told and not taken.
    saved = by_hand(of(OLD, tmp_path / "o.xlsx", "experiment_share=0.4"), edits, "o1.xlsx")
    report = upgraded(saved, capsys)
    assert {d["taken"] for d in report["defaults"]} == {False}
    assert Edited(saved).read().values["Base"]["experiment_share"] == 0.4
    code, printed, _ = run(["upgrade", by_hand(old, edit, "p.xlsx")], capsys)
    assert code == 1
    assert "  2 stay as you have them:\n" in printed
    assert "      here: =1+1\n" in printed
    assert "  input that is no more: bygone_usd (Base 5,000, Low 5,000, High 5,000)\n" in printed


def test_what_cannot_be_merged_is_refused(tmp_path, capsys, monkeypatch):
    def edit(book):
        del book["Checks"]

    path = by_hand(of(OLD, tmp_path / "a.xlsx"), edit)
    before = path.read_bytes()
    report = upgraded(path, capsys, "-o", tmp_path / "b.xlsx", code=1)
    assert report["conflicts"] or report["unmerged"]
    assert path.read_bytes() == before
    # Of the current version it is what the template is.
    current = by_hand(of(CURRENT, tmp_path / "n.xlsx"), edits).with_name("saved.xlsx")
    assert upgraded(current, capsys)["base_known"] is True
    # Without what it was, your edits and the template's are one.
    unknown = by_hand(of(OLD, tmp_path / "c.xlsx"), edits).with_name("saved.xlsx")
    before = unknown.read_bytes()
    code, printed, _ = run(["upgrade", unknown], capsys)
    assert (code, unknown.read_bytes()) == (1, before)
    assert "cannot be told apart" in printed
    assert printed.endswith("  --anew builds saved.xlsx anew with its inputs and tables, without the edits\n")
    assert upgraded(unknown, capsys, "--anew")["how"] == "built anew"
    assert "Mine" not in Parts(unknown).parts
    assert run(["upgrade", path, "-o", tmp_path / "b.xlsm"], capsys)[0] == 2
    damaged = of(OLD, tmp_path / "d.xlsx")
    rewrite(damaged, tmp_path / "e.xlsx", {pristine.PART: b'<pristine xmlns="urn:xl-econ:pristine">{"a</pristine>'})
    code, _, err = run(["upgrade", tmp_path / "e.xlsx"], capsys)
    assert code == 4
    assert "is damaged" in err
    assert err.count("\n") == 1


@pytest.mark.libreoffice
def test_a_workbook_that_was_edited_in_libreoffice(tmp_path, capsys):
    """LibreOffice keeps what the workbook was; renamed sheets, inserted rows and columns are no matter."""
    path = edited(of(OLD, tmp_path / "a.xlsx", "mfu=0.37"), tmp_path)
    report = upgraded(path, capsys)
    assert report["how"] == "merged"
    assert set(Parts(path).parts) >= {"Notes", "Deckblatt", "Annahmen & Co's", "Prüfung"}
    a = Edited(path)
    assert a.read().values == Edited(of(CURRENT, tmp_path / "fresh.xlsx", "mfu=0.37")).read().values
    assert list(differences(formulas(path), recalculate(path), 1e-12)) == []


def test_names_and_references():
    part = b"<workbook><sheets></sheets></workbook>"
    assert b'<definedName name="a">B!$A$1</definedName></definedNames></workbook>' in with_names(part, {"a": "B!$A$1"})
    held = b'<workbook><definedNames><definedName name="a" hidden="1">B!A1</definedName></definedNames></workbook>'
    assert b'name="a" hidden="1">B!A2&amp;C</definedName>' in with_names(held, {"a": "B!A2&C"})

    def down(r):
        at = [type(x)(x.row + 1, x.column) for x in r[1:]]
        return [r._replace(first=at[0], last=at[1], sheet="My x" if r.sheet else "")]

    assert moved('SUM(A$1:$B2)+X!C3+"A1"+LOG10(T[x])', down) == "SUM(A$2:$B3)+'My x'!C4+\"A1\"+LOG10(T[x])"
    assert moved("SUM(A1:A2)", lambda r: [r, r]) == "SUM(A1:A2,A1:A2)"
    assert moved("A1+1", lambda r: [r, r]) is None
    assert moved("A1+1", lambda r: None) is None
