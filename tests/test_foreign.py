"""The user's workbook is sacred: what other programs made of ours is filled, and nothing else of it moves."""

import json
import re
import zipfile
from xml.etree import ElementTree

import foreign
import pytest
import rich
from test_edited import edited

from xl_econ import cli
from xl_econ.templates import build, fill, layout
from xl_econ.templates.edited import Edited
from xl_econ.workbook.cell import At, address, cell_at
from xl_econ.workbook.parts import Parts

LIBREOFFICE = pytest.mark.libreoffice
TEMPLATES = layout.names()
MAKERS = {
    "excel": lambda path: foreign.by_excel(path, path.with_name("excel.xlsx")),
    "excel-macros": lambda path: foreign.by_excel(path, path.with_name("excel.xlsm")),
    "openpyxl": lambda path: foreign.by_openpyxl(path, path.with_name("openpyxl.xlsx")),
    "libreoffice": lambda path: edited(path, path.parent),
    "libreoffice-openpyxl": lambda path: rich.by_openpyxl(edited(path, path.parent)),
}
ODD = [pytest.param(m, marks=LIBREOFFICE) if "libreoffice" in m else m for m in MAKERS]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*extension is not supported.*:UserWarning"),  # by openpyxl, which reads here
]


def built(name, folder):
    t = layout.load(name)
    path = folder / "b.xlsx"
    build.build(fill.model(t, fill.Case("x")), path, "plain", {})
    return path


def setting(path):
    """Another value for the first number among the inputs: the base case's alone."""
    book = Edited(path)
    values = book.read().values["Base"]
    for key, i in book.layout.by_key.items():
        value = values[key]
        if not i.kind.is_text and not i.kind.whole and value and i.kind.fits(value * 0.97):
            return f"Base.{key}={value * 0.97!r}", key, value * 0.97
    raise AssertionError(path)


def run(args, capsys):
    code = cli.main([str(a) for a in args])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def inputs(printed):
    """The inputs that a comparison names, without their sources."""
    names = {f["name"] for f in json.loads(printed)["findings"] if f["group"] == "inputs"}
    return {n for n in names if n.startswith(("Base.", "Low.", "High."))}


def raw(path):
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        return {i.filename: (i.date_time, i.external_attr, package.read(i)) for i in package.infolist()}


def cells(data):
    """The cells of a sheet by address, as another parser finds them, counted where they have no address."""
    found, row = {}, 0
    for line in ElementTree.fromstring(data).iter(f"{{{rich.MAIN}}}row"):
        row, column = int(line.get("r", row + 1)), 0
        for c in line.iter(f"{{{rich.MAIN}}}c"):
            column = cell_at(c.get("r")).column if c.get("r") else column + 1
            found[address(At(row, column))] = ElementTree.tostring(c)
    return found


def around(data):
    """A sheet without its cells."""
    head, _, rest = data.partition(b"<sheetData>")
    body, _, tail = rest.rpartition(b"</sheetData>")
    return head, re.findall(rb"<row[^>]*>|</row>", body), tail


def only_these_differ(before, after, book, addresses):
    """Every other part is the same bytes; of the patched sheets only the given cells differ."""
    assert list(before) == list(after)
    changed = {n for n in before if before[n] != after[n]}
    by_part = {}
    for where in addresses:
        sheet, _, cell = where.rpartition("!")
        by_part.setdefault(book.parts[sheet], set()).add(cell)
    assert changed == set(by_part)
    for part, expected in by_part.items():
        assert before[part][:2] == after[part][:2], "the date of a part"
        assert around(before[part][2]) == around(after[part][2])
        old, new = cells(before[part][2]), cells(after[part][2])
        differ = {c for c in old.keys() | new.keys() if old.get(c) != new.get(c)}
        assert differ == expected, part


def filled(path, capsys):
    """Fill, and compare byte for byte; then the values by an independent recalculation."""
    text, key, value = setting(path)
    before, book = raw(path), Parts(path)
    code, printed, err = run(["fill", path, "--set", text, "--json"], capsys)
    assert code == 0, err
    report = json.loads(printed)
    assert report["not_computed"] == []
    changed = [c["cell"] for c in report["cells"]] + [f["cell"] for f in report["formulas"]]
    assert len(set(changed)) == len(changed) > 3
    hashed = "!".join(Edited(path).named("xl_econ.inputs_hash"))  # what the Cover says that it was filled from
    only_these_differ(before, raw(path), book, [*changed, hashed])
    code, printed, err = run(["recalc", path], capsys)
    assert code == 0, printed + err
    assert Edited(path).read().values["Base"][key] == value
    return key


@pytest.mark.parametrize("maker", ODD)
def test_a_workbook_that_somebody_worked_in(maker, tmp_path, capsys):
    path = MAKERS[maker](built("training_budget", tmp_path))
    original = path.read_bytes()
    filled(path, capsys)
    # Read back, and set against what it was: the input and what follows from it, and nothing else.
    (tmp_path / f"old{path.suffix}").write_bytes(original)
    code, printed, err = run(["diff", tmp_path / f"old{path.suffix}", path, "--json"], capsys)
    assert code == 1, err
    assert inputs(printed) == {"Base.params_b"}
    assert run(["extract", path, "-o", tmp_path / "x.toml"], capsys)[0] == 0
    # Nothing to refresh is nothing to write; and what another program left stale is refreshed alone.
    before = path.read_bytes()
    assert run(["recalc", path, "--write"], capsys)[0] == 0
    assert path.read_bytes() == before


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_as_excel_leaves_it(name, tmp_path, capsys):
    filled(foreign.by_excel(built(name, tmp_path), tmp_path / "e.xlsx"), capsys)


@LIBREOFFICE
@pytest.mark.unmeasured
@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_saved_by_libreoffice(name, tmp_path, capsys):
    """Filled, saved by LibreOffice, and then filled, extracted, compared and recalculated."""
    path = built(name, tmp_path)
    case = Edited(path).read("x")
    saved = rich.by_libreoffice(path)
    read = Edited(saved).read("x")
    assert (read.values, read.selected, read.texts, read.origins) == (
        case.values,
        case.selected,
        case.texts,
        case.origins,
    )
    code, printed, err = run(["diff", path, saved, "--ignore-formatting", "--json"], capsys)
    assert code == 0, printed + err
    key = filled(saved, capsys)
    code, printed, err = run(["diff", path, saved, "--ignore-formatting", "--json"], capsys)
    assert code == 1, err
    assert inputs(printed) == {f"Base.{key}"}
    assert run(["extract", saved, "-o", tmp_path / "x.toml"], capsys)[0] == 0
    again = fill.read(tmp_path / "x.toml", layout.load(name))[0]
    assert again.values["Base"][key] == Edited(saved).read().values["Base"][key]
