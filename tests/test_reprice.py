"""Other table rows in a filled workbook: what changes, and which row did it."""

import json
import math

import openpyxl
import pytest
import rich
from test_edited import parts, run

from xl_econ.templates import build, fill, layout
from xl_econ.templates.edited import Edited
from xl_econ.workbook import rate_card
from xl_econ.workbook.read import formulas
from xl_econ.workbook.recalc import differences, recalculate

CARD = layout.folder().parent / "workbooks" / "rate_card.xlsx"
TEMPLATE = layout.load("gpu_buy_vs_rent")
ELASTIC, COMMITTED = "Lambda|H100 SXM 80GB|on-demand|latest", "AWS|H100 SXM 80GB|reserved-3yr|latest"
OTHER = "AWS|A100 SXM 40GB|on-demand|latest"


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(rate_card, "FRESH_SECONDS", 0)


def built(path, *settings):
    case = fill.with_settings(fill.Case("x"), settings, TEMPLATE) if settings else fill.Case("x")
    build.build(fill.model(TEMPLATE, case), path, "plain", {})
    return path


def card(path, factors, drop=(), note=None):
    """A rate card with other cloud prices: in the order of its rows, some gone."""
    book = openpyxl.load_workbook(CARD)
    sheet = next(s for s in book if "CloudPrices" in s.tables)
    columns = {c.value: c.column for c in sheet[5]}
    for row in range(6, sheet.max_row + 1):
        key = sheet.cell(row, 1).value
        for name in ("usd_per_instance_hour", "usd_per_gpu_hour"):
            if key in factors and (cell := sheet.cell(row, columns[name])).value is not None:
                cell.value *= factors[key]
        if key in drop:
            sheet.cell(row, 1).value = key.replace("AWS", "Mine")
            sheet.cell(row, columns["provider"]).value = "Mine"
        if key == note:
            sheet.cell(row, columns["note"]).value = "=1+1 is a text"
            sheet.cell(row, columns["note"]).data_type = "s"
    book.save(path)
    return path


def report(capsys, *args):
    code, printed, err = run(["reprice", *args, "--json"], capsys)
    assert (code, err) == (0, "")
    return json.loads(printed)


def test_the_change_is_attributed_to_rows(tmp_path, capsys):
    path = built(tmp_path / "a.xlsx", "committed_share=0.4")
    new = card(tmp_path / "card.xlsx", {ELASTIC: 1.25, COMMITTED: 0.8, OTHER: 2}, note=OTHER)
    before, other = parts(path), tmp_path / "b.xlsx"
    found = report(capsys, path, "--rate-card", new, "-o", other)
    assert parts(path) == before
    assert {(r["table"], r["key"]) for r in found["rows"]} == {("cloud_prices", k) for k in (ELASTIC, COMMITTED, OTHER)}
    assert found["added"] == found["removed"] == []
    assert found["not_computed"] == []
    a, b = Edited(path), Edited(other)
    for key, at in a.named_results().items():
        old, now = a.book.value(*at), b.book.value(*at)
        if key not in found["results"]:
            assert old == now
            continue
        r = found["results"][key]
        assert (r["old"], r["new"]) == (old, now)
        effects = [e["effect"] for e in r["by_row"]]
        assert {e["key"] for e in r["by_row"]} <= {ELASTIC, COMMITTED}
        assert math.isclose(sum(effects) + r["interaction"], now - old, rel_tol=1e-12, abs_tol=1e-9)
    assert len(found["results"]["cloud_usd"]["by_row"]) == 2
    assert any(abs(r["interaction"]) > 1e-6 for r in found["results"].values())
    assert list(differences(formulas(other), recalculate(other), 1e-12)) == []
    # What was written is what a workbook built with that rate card says.
    with rate_card.using(new):
        fresh = built(tmp_path / "fresh.xlsx", "committed_share=0.4")
    for at in Edited(fresh).named_results().values():
        assert b.book.value(*at) == pytest.approx(Edited(fresh).book.value(*at), rel=1e-12)
    after = parts(other)
    changed = {n for n in after if after[n] != before[n]}
    assert changed <= {*a.book.parts.values(), "docProps/core.xml"}
    assert b.stamp == b.stamped() != a.stamp, "what it says of itself is true"
    assert not report(capsys, other, "--rate-card", new, "--dry-run")["rows"]


def test_rows_of_one_side_are_listed(tmp_path, capsys):
    path = built(tmp_path / "a.xlsx")
    new = card(tmp_path / "card.xlsx", {ELASTIC: 2}, drop=[OTHER])
    before = path.read_bytes()
    code, printed, err = run(["reprice", path, "--rate-card", new, "--dry-run"], capsys)
    assert (code, err) == (0, "")
    assert path.read_bytes() == before
    assert "not written (dry run)\n  1 rows change in cloud_prices\n" in printed
    assert "1 rows in the new tables only, not added: cloud_prices[Mine|A100 SXM 40GB|on-demand|latest]" in printed
    assert f"1 rows not in the new tables: cloud_prices[{OTHER}]" in printed
    assert f"      cloud_prices[{ELASTIC}]" in printed
    assert run(["reprice", path, "--rate-card", new], capsys)[0] == 0
    assert path.read_bytes() != before
    # And back to the shipped tables.
    found = report(capsys, path)
    assert [r["key"] for r in found["rows"]] == [ELASTIC]
    assert found["results"]["cloud_usd"]["new"] < found["results"]["cloud_usd"]["old"]
    assert run(["reprice", path], capsys)[1] == f"{path}\n  0 rows change\n  0 results change\n"


@pytest.mark.libreoffice
def test_a_libreoffice_resave_is_repriced(tmp_path, capsys):
    path = rich.by_libreoffice(built(tmp_path / "a.xlsx"))
    assert report(capsys, path, "--dry-run")["rows"] == []
    new = card(tmp_path / "card.xlsx", {ELASTIC: 1.5})
    found = report(capsys, path, "--rate-card", new, "-o", tmp_path / "b.xlsx")
    assert [r["key"] for r in found["rows"]] == [ELASTIC]
    assert found["results"]["elastic_usd_hour"]["new"] == pytest.approx(3.99 * 1.5)
    assert list(differences(formulas(tmp_path / "b.xlsx"), recalculate(tmp_path / "b.xlsx"), 1e-12)) == []


def test_what_is_refused(tmp_path, capsys):
    path = built(tmp_path / "a.xlsx")
    assert run(["reprice", path, "-o", tmp_path / "b.xlsm"], capsys)[0] == 2
    other = tmp_path / "other.xlsx"
    openpyxl.Workbook().save(other)
    code, _, err = run(["reprice", other], capsys)
    assert (code, "was not built from a template of xl-econ" in err) == (4, True)
    assert run(["reprice", path, "-o", other], capsys)[0] == 4, "a workbook of somebody's"
    book = openpyxl.load_workbook(path)
    sheet = next(s for s in book if "CloudPrices" in s.tables)
    columns = {c.value: c.column for c in sheet[5]}
    cell = sheet.cell(6, columns["usd_per_gpu_hour"])
    cell.value = "=1+1"
    book.save(path)
    code, _, err = run(["reprice", path], capsys)
    assert (code, f"!{cell.coordinate}: usd_per_gpu_hour is a formula there" in err) == (4, True)
