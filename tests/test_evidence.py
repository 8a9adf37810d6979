"""Evidence: JSON, SARIF, a baseline, acceptances in the workbook, the annotated copy, the terminal."""

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from xl_econ.audit import baseline, run
from xl_econ.audit.registry import CHECKS, Finding
from xl_econ.cli import main
from xl_econ.core.errors import InputError, WorkbookError
from xl_econ.workbook.annotate import add_notes

HEADINGS = ["check", "sheet", "cell", "reason", "name", "date"]


def workbook(path, rows_above=0, accepted=(), wrong=5.0, extra=False):
    """A model with one wrong stored value and one masked error; other rows may stand above."""
    book = xlsxwriter.Workbook(str(path))
    s = book.add_worksheet("My model")
    for r in range(rows_above):
        s.write(r, 0, f"New line {r}")
    s.write_row(rows_above, 0, ["Item", "Base", "Low"])
    s.write_row(rows_above + 1, 0, ["Price", 2, 1])
    s.write(rows_above + 2, 0, "Cost")
    at = rows_above + 2
    s.write_formula(at, 1, f"=B{at}*2", None, wrong)
    s.write_formula(at, 2, f"=IFERROR(C{at}*2,0)", None, 2)
    s.write_comment(at, 2, "mine")
    if extra:
        s.write(at + 1, 0, "Other")
        s.write_formula(at + 1, 1, f"=B{at}*3", None, 1)
    book.define_name("masked", f"='My model'!$C${at + 1}")
    if accepted:
        a = book.add_worksheet("Accepted findings")
        a.write(0, 0, "What the model's owner accepts")
        a.write_row(1, 0, HEADINGS)
        for r, row in enumerate(accepted, start=2):
            a.write_row(r, 0, row)
    book.close()
    return path


@pytest.fixture
def model(tmp_path):
    return workbook(tmp_path / "model.xlsx")


def ids(found):
    return sorted(
        (f.check, f.cell) for f in found if f.check in ("stored-value", "error-masked") or "accept" in f.check
    )


def test_findings_say_what_their_cell_is_called(model):
    labels = {f.cell: f.label for f in run.audit(model, ["stored-value", "error-masked"])}
    assert labels == {"B3": "Cost / Base", "C3": "Cost / Low"}


# --- acceptances ---------------------------------------------------------------------------------------------------

GOOD = ["error-masked", "My model", "C3", "No price means no cost", "J. Doe", "2026-11-01"]


@pytest.mark.parametrize("cell", ["C3", "$C$3", "'My model'!C3", "Cost / Low", "masked"])
def test_an_accepted_finding_is_listed_as_accepted(tmp_path, cell, capsys):
    path = workbook(tmp_path / "a.xlsx", accepted=[[*GOOD[:2], cell, *GOOD[3:]]], wrong=4)
    report = run.report(path)
    assert not ids(report.findings)
    (accepted,) = report.accepted
    assert (accepted.finding.cell, accepted.reason, accepted.name, accepted.date) == ("C3", *GOOD[3:])
    assert main(["audit", str(path), "--fail-on", "warning"]) == 0
    assert "accepted by J. Doe: No price means no cost" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([*GOOD[:3], "", "J. Doe"], "without a reason"),
        ([*GOOD[:4], ""], "without a name"),
        ([*GOOD[:3]], "without a reason and a name"),
        (["error-maskd", *GOOD[1:]], "error-masked"),
        (["acceptance-stale", *GOOD[1:]], "no check"),
    ],
)
def test_an_acceptance_that_lacks_something_is_a_finding_and_accepts_nothing(tmp_path, row, said):
    path = workbook(tmp_path / "a.xlsx", accepted=[row], wrong=4)
    found = run.audit(path)
    assert ("error-masked", "C3") in ids(found)
    (incomplete,) = [f for f in found if f.check == "acceptance-incomplete"]
    assert said in incomplete.message
    assert incomplete.cell == "A3"


def test_a_stale_acceptance_is_a_finding_if_its_check_ran(tmp_path):
    path = workbook(tmp_path / "a.xlsx", accepted=[GOOD, [*GOOD[:2], "B2", *GOOD[3:]]], wrong=4)
    (stale,) = [f for f in run.audit(path) if f.check == "acceptance-stale"]
    assert stale.cell == "A4"
    assert "My model!B2" in stale.message
    assert not run.audit(path, ["stored-value", "acceptance-stale"])


# --- a baseline ------------------------------------------------------------------------------------------------------


def report_of(path, capsys, *options):
    code = main(["audit", str(path), "--json", "--check", "stored-value", "--check", "error-masked", *options])
    return code, json.loads(capsys.readouterr().out)


def test_a_baseline_holds_when_rows_are_inserted(model, tmp_path, capsys):
    code, first = report_of(model, capsys)
    assert (code, first["summary"]["findings"]) == (1, 2)
    line = tmp_path / "line.json"
    line.write_text(json.dumps(first))
    moved = workbook(tmp_path / "moved.xlsx", rows_above=3)
    code, second = report_of(moved, capsys, "--baseline", str(line))
    assert (code, second["findings"], second["expired"]) == (0, [], [])
    assert {f["cell"] for f in second["known"]} == {"B6", "C6"}
    line.write_text(json.dumps(second))  # a report made against a baseline is itself one
    code, third = report_of(workbook(tmp_path / "more.xlsx", extra=True), capsys, "--baseline", str(line))
    assert code == 1
    assert [f["label"] for f in third["findings"]] == ["Other / Base"]


def test_what_is_gone_is_expired(model, tmp_path, capsys):
    line = tmp_path / "line.json"
    line.write_text(json.dumps(report_of(model, capsys)[1]))
    right = workbook(tmp_path / "right.xlsx", wrong=4)
    code, found = report_of(right, capsys, "--baseline", str(line))
    assert (code, [f["check"] for f in found["expired"]]) == (0, ["stored-value"])
    assert main(["audit", str(right), "--baseline", str(line)]) == 0
    out = capsys.readouterr().out
    assert "[stored-value] expired" in out
    assert "1 in the baseline" in out


def test_a_finding_that_grew_graver_returns_and_counts_are_kept():
    def finding(severity, cell="A1", label="Cost", file="a.xlsx"):
        return Finding(file, "S", cell, "c", severity, "", label=label)

    compared = baseline.compare([finding("error")], [finding("warning")])
    assert (len(compared.new), len(compared.expired)) == (1, 1)
    twice = baseline.compare([finding("info", "A1"), finding("info", "A2")], [finding("info", "A2")])
    assert [f.cell for f in twice.new] == ["A1"] or [f.cell for f in twice.known] == ["A1"]
    two = [finding("info", file="a.xlsx"), finding("info", file="b.xlsx")]
    assert len(baseline.compare(two, [finding("info", file="old/b.xlsx")]).known) == 1
    accepted = baseline.compare([], [finding("info")], [finding("info")])
    assert not accepted.expired
    other = baseline.compare([], [finding("info"), finding("info", file="b.xlsx")], files=["a.xlsx"])
    assert [f.file for f in other.expired] == ["a.xlsx"]  # the other workbook was not looked at
    assert not baseline.compare([], [finding("info")], files=["a.xlsx"], checks=["d"]).expired  # nor for this check


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"findings": [{"file": 1}]}', '{"findings": "x"}', "\x00"])
def test_what_is_no_report_is_refused(tmp_path, text, model, capsys):
    line = tmp_path / "line.json"
    line.write_text(text)
    assert main(["audit", str(model), "--baseline", str(line)]) == 3
    assert "no report of xl-econ audit --json" in capsys.readouterr().err
    with pytest.raises(InputError):
        baseline.load(tmp_path / "absent.json")


# --- SARIF -----------------------------------------------------------------------------------------------------------


def sarif_of(tmp_path, *arguments):
    target = tmp_path / "log.sarif"
    main(["audit", *map(str, arguments), "--sarif", str(target), "--force"])
    return json.loads(target.read_text(encoding="utf-8"))


def check_sarif(log):
    """The main rules of the SARIF 2.1.0 schema: what is required, of what type, from which values."""
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    assert set(log) <= {"$schema", "version", "runs", "inlineExternalProperties", "properties"}
    for r in log["runs"]:
        driver = r["tool"]["driver"]
        assert driver["name"] == "xl-econ"
        rules = [rule["id"] for rule in driver["rules"]]
        assert len(rules) == len(set(rules))
        for rule in driver["rules"]:
            assert rule["shortDescription"]["text"]
            assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
        assert r["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
        for result in r["results"]:
            assert rules[result["ruleIndex"]] == result["ruleId"]
            assert result["level"] in ("none", "note", "warning", "error")
            assert isinstance(result["message"]["text"], str)
            assert result.get("baselineState", "new") in ("new", "unchanged", "updated", "absent")
            assert all(isinstance(v, str) for v in result["partialFingerprints"].values())
            for suppression in result.get("suppressions", ()):
                assert suppression["kind"] in ("inSource", "external")
                assert suppression["status"] in ("accepted", "underReview", "rejected")
            for location in result["locations"]:
                physical = location["physicalLocation"]
                assert re.fullmatch(r"[A-Za-z0-9%._~/:@!$&'()*+,;=-]+", physical["artifactLocation"]["uri"])
                region = physical.get("region", {"startLine": 1, "startColumn": 1})
                assert region["startLine"] >= 1
                assert region["startColumn"] >= 1
                for logical in location.get("logicalLocations", ()):
                    assert logical["fullyQualifiedName"]


def test_sarif_is_as_its_schema_demands(tmp_path):
    path = workbook(tmp_path / "my model.xlsx", accepted=[GOOD])
    log = sarif_of(tmp_path, path)
    check_sarif(log)
    results = {r["ruleId"]: r for r in log["runs"][0]["results"]}
    wrong = results["stored-value"]
    assert wrong["level"] == "error"
    place = wrong["locations"][0]
    assert place["physicalLocation"]["artifactLocation"]["uri"].endswith("my%20model.xlsx")
    assert place["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 2}
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "My model!B3"
    assert "J. Doe" in results["error-masked"]["suppressions"][0]["justification"]


def test_sarif_tells_new_from_known_and_is_the_same_finding_after_rows_were_inserted(model, tmp_path, capsys):
    line = tmp_path / "line.json"
    line.write_text(json.dumps(report_of(model, capsys)[1]))
    moved = workbook(tmp_path / "moved.xlsx", rows_above=2, extra=True)
    log = sarif_of(tmp_path, moved, "--baseline", line)
    check_sarif(log)
    states = {(r["ruleId"], r["baselineState"]) for r in log["runs"][0]["results"]}
    assert {("stored-value", "new"), ("stored-value", "unchanged"), ("error-masked", "unchanged")} <= states
    prints = [
        {r["partialFingerprints"]["cell/v1"] for r in sarif_of(tmp_path, p)["runs"][0]["results"]}
        for p in (model, moved)
    ]
    assert prints[0] <= prints[1]


# --- the annotated copy ----------------------------------------------------------------------------------------------


def parts(path):
    with zipfile.ZipFile(path) as package:
        return {n: package.read(n) for n in package.namelist()}


def test_the_annotated_copy_adds_comments_and_a_sheet_and_leaves_the_rest(model, tmp_path):
    target = tmp_path / "noted.xlsx"
    before = model.read_bytes()
    assert main(["audit", str(model), "--xlsx", str(target)]) == 1
    assert model.read_bytes() == before
    old, new = parts(model), parts(target)
    changed = {n for n in old if old[n] != new[n]}
    assert all(
        n == "[Content_Types].xml"
        or "rels" in n
        or "comments" in n
        or "vml" in n
        or n in ("xl/workbook.xml", "xl/worksheets/sheet1.xml")
        for n in changed
    )
    sheet = new["xl/worksheets/sheet1.xml"]
    assert old["xl/worksheets/sheet1.xml"] == sheet  # it draws comments already: theirs are added to
    book = openpyxl.load_workbook(target)
    s = book["My model"]
    assert s["B3"].comment.text.startswith("error: =B2*2 is stored as 5")
    assert s["C3"].comment.text == "mine"  # a cell's own comment stays
    rows = [[c.value for c in row] for row in book["Findings"].iter_rows()]
    assert rows[0][:4] == ["Severity", "Cell", "What it is called", "Finding"]
    assert ["error", "'My model'!B3", "Cost / Base", "stored-value"] in [[*r[:3], r[4]] for r in rows]
    assert book["Findings"]["B2"].hyperlink.location == "'My model'!B3"


@pytest.mark.filterwarnings("ignore:.*xtension is not supported")  # openpyxl's, of the data bar
def test_a_sheet_without_comments_gains_the_drawing_where_the_format_wants_it(tmp_path):
    path, target = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    book = xlsxwriter.Workbook(str(path))
    for name in ("One", "Findings"):
        s = book.add_worksheet(name)
        s.write_row("A1", ["x", "y"])
        s.write_row("A2", [1, 2])
    s.add_table("A1:B2", {"columns": [{"header": "x"}, {"header": "y"}]})
    s.conditional_format("A1:A2", {"type": "data_bar", "data_bar_2010": True})  # an extLst at the end
    s.insert_textbox("D5", "text")
    book.close()
    add_notes(
        path,
        target,
        {"One": {"A2": "one"}, "Findings": {"B2": "two <&> _x0041_ \x07"}, "None": {}},
        "me",
        "Findings",
        [["a"], [2]],
    )
    old, new = parts(path), parts(target)
    text = new["xl/worksheets/sheet2.xml"].decode()
    order = [text.rindex(f"<{t}") for t in ("drawing ", "legacyDrawing ", "tableParts", "extLst")]
    assert order == sorted(order)
    for part in ("xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"):
        assert re.sub(rb"<legacyDrawing [^>]*/>", b"", new[part]) == old[part]
    assert all(new[n] == old[n] for n in old if "styles" in n or "table" in n or "theme" in n or "drawing" in n)
    read = openpyxl.load_workbook(target)
    assert read.sheetnames == ["One", "Findings", "Findings 2"]
    assert read["One"]["A2"].comment.text == "one"
    assert read["Findings"]["B2"].comment.author == "me"
    assert read["Findings 2"]["A2"].value == 2


def test_a_workbook_that_takes_no_comments_is_said(model, tmp_path):
    strict = tmp_path / "strict.xlsx"
    with zipfile.ZipFile(model) as old, zipfile.ZipFile(strict, "w") as new:
        for n in old.namelist():
            data = old.read(n)
            if n == "xl/workbook.xml":
                data = data.replace(
                    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
                    b"http://purl.oclc.org/ooxml/spreadsheetml/main",
                )
            new.writestr(n, data)
    with pytest.raises(WorkbookError, match="Strict"):
        add_notes(strict, tmp_path / "t.xlsx", {}, "me", "Findings", [["a"]])
    assert not (tmp_path / "t.xlsx").exists()


def rewritten(source, target, changes):
    """A package with other contents in some parts."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for n in old.namelist():
            data = old.read(n)
            for a, b in changes.get(n, ()):
                assert a in data
                data = data.replace(a, b)
            new.writestr(n, data)
    return target


@pytest.mark.parametrize(
    ("changes", "commented"),
    [
        # comments without a drawing, a drawing in a form that nobody writes: the cell stays without
        ({"xl/worksheets/_rels/sheet1.xml.rels": [(b'/vmlDrawing"', b'/other"')]}, False),
        ({"xl/drawings/vmlDrawing1.vml": [(b"xmlns:x=", b"xmlns:y="), (b"<x:", b"<y:"), (b"</x:", b"</y:")]}, False),
        ({"xl/comments1.xml": [(b"<authors><author></author></authors>", b"<authors/>")]}, True),
    ],
)
def test_odd_comments_of_other_programs(model, tmp_path, changes, commented):
    odd, target = rewritten(model, tmp_path / "odd.xlsx", changes), tmp_path / "t.xlsx"
    add_notes(odd, target, {"My model": {"B3": "text"}}, "me", "Findings", [["a"]])
    book = openpyxl.load_workbook(target)
    assert "Findings" in book.sheetnames
    comment = book["My model"]["B3"].comment
    assert (comment is not None and comment.text == "text") == commented


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"xl/worksheets/_rels/sheet1.xml.rels": [(b"</Relationships>", b"</Relationships><!-- \xff -->")]}, "UTF-8"),
        ({"[Content_Types].xml": [(b"</Types>", b"")]}, "has no Types"),
        ({"[Content_Types].xml": [(b"<Default ", b"<Default & ")]}, "cannot be changed"),
    ],
)
def test_a_package_that_cannot_be_added_to_is_left(model, tmp_path, changes, said):
    odd = rewritten(model, tmp_path / "odd.xlsx", changes)
    with pytest.raises(WorkbookError, match=said):
        add_notes(odd, tmp_path / "t.xlsx", {"My model": {"B3": "text"}}, "me", "Findings", [["a"]])
    assert not (tmp_path / "t.xlsx").exists()


@pytest.mark.libreoffice
def test_libreoffice_reads_the_annotated_copy(model, tmp_path):
    target = tmp_path / "noted.xlsx"
    main(["audit", str(model), "--xlsx", str(target)])
    out = tmp_path / "out"
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    subprocess.run(
        ["soffice", profile, "--headless", "--convert-to", "xlsx", "--outdir", str(out), str(target)],
        check=True,
        capture_output=True,
    )
    read = openpyxl.load_workbook(out / "noted.xlsx")
    assert read["My model"]["B3"].comment.text.startswith("error:")
    assert read["My model"]["C3"].comment.text == "mine"
    assert read["Findings"]["B2"].value == "'My model'!B3"


# --- the command -----------------------------------------------------------------------------------------------------


def test_reports_do_not_replace_what_is_there(model, tmp_path, capsys):
    target = tmp_path / "r.html"
    target.write_text("mine")
    for option in ("--html", "--sarif", "--xlsx"):
        assert main(["audit", str(model), option, str(target)]) == 2
        assert main(["audit", str(model), option, str(model), "--force"]) == 2
    assert main(["audit", str(model), str(model), "--html", str(tmp_path / "x.html")]) == 2
    assert target.read_text() == "mine"
    assert main(["audit", str(model), "--html", str(target), "--force"]) == 1
    assert capsys.readouterr().err.count("\n") == 7


def test_colours_only_on_a_terminal(model, monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    main(["audit", str(model)])
    assert "\x1b" not in capsys.readouterr().out
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    main(["audit", str(model)])
    assert "\x1b[1;31merror\x1b[0m" in terminal.getvalue()
    terminal.truncate(0)
    monkeypatch.setenv("NO_COLOR", "1")
    main(["audit", str(model)])
    assert "\x1b" not in terminal.getvalue()


def test_many_workbooks_are_summed_up(model, tmp_path, capsys):
    other = workbook(tmp_path / "other.xlsx", wrong=4)
    assert main(["audit", str(model), str(other)]) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("2 workbooks: 1 error, 2 warnings")


def test_the_checks_are_listed(model, capsys):
    assert main(["audit", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert {line.split()[0] for line in lines} == set(CHECKS)
    assert all(CHECKS[line.split()[0]].remedy in line for line in lines)
    assert main(["audit", "--list", "--json", "--check", "stored-value"]) == 0
    [found] = json.loads(capsys.readouterr().out)["checks"]
    assert (found["id"], found["severity"]) == ("stored-value", "error")
    assert (
        main(["audit"]) == main(["audit", "--list", str(model)]) == main(["audit", "--list", "--check", "stord"]) == 2
    )
    assert "no workbook is given" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="the page shows a POSIX shell")
def test_the_pipeline_of_the_page(tmp_path):
    """What is known passes, what is new does not, and the workflow runs the same line."""
    page = (Path(__file__).parents[1] / "docs" / "evidence.md").read_text(encoding="utf-8")
    known, gate = re.findall(r"```sh\n(.*?)```", page, re.S)
    assert f"- run: {gate}" in page
    program = tmp_path / "xl-econ"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m xl_econ.cli "$@"\n')
    program.chmod(0o755)
    (tmp_path / "models").mkdir()
    path = workbook(tmp_path / "models" / "m.xlsx", wrong=5.0)

    def code(line):
        environ = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        return subprocess.run(["sh", "-e", "-c", line], cwd=tmp_path, env=environ, check=False).returncode

    assert code(gate) == 3, "there is no baseline yet"
    assert code(known) == 0
    assert code(gate) == 0
    workbook(path, rows_above=2, extra=True)
    assert code(gate) == 1
    assert "stored-value" in (tmp_path / "audit.sarif").read_text()
    path.write_text("no workbook")
    assert (code(gate), code(known)) == (4, 1)
