"""Documentation that runs: examples of the docstrings, the generated pages, the README's commands."""

import doctest
import re
import shlex
from pathlib import Path

import pytest
from support import Sheet, close

import xl_econ
from xl_econ import cli
from xl_econ.audit.registry import CHECKS
from xl_econ.commands import functions
from xl_econ.metrics import REGISTRY

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("m", REGISTRY.values(), ids=lambda m: m.name)
def test_docstring(m):
    assert m.doc.summary
    assert {"Returns", "Raises", "Source", "Example"} <= set(m.doc.sections)
    assert set(m.doc.args) == set(m.params)
    names = {name.lower(): getattr(xl_econ, name.lower()) for name in REGISTRY}
    test = doctest.DocTestParser().get_doctest(m.doc.sections["Example"], names, m.name, None, 0)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("name", ["tornado", "bridge", "solve", "breakeven_map"])
def test_examples_of_scenarios(name):
    test = doctest.DocTestParser().get_doctest(getattr(xl_econ, name).__doc__, {}, name, None, 0)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


def test_generated_pages_are_current():
    pages = functions.pages()
    assert len(pages) > 20
    for name, text in pages.items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, f"docs/{name} is stale: run make generate"
    on_disk = {str(p.relative_to(ROOT / "docs")) for p in (ROOT / "docs").glob("*/*.md")}
    assert on_disk == {name for name in pages if "/" in name}


def test_every_check_is_on_its_page():
    text = functions.pages()["checks.md"]
    for c in CHECKS.values():
        assert text.count(f"| `{c.id}` | {c.severity} | {c.meaning} |") == 1, c.id


def test_writing_the_pages_removes_old_ones(tmp_path, capsys):
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "gone.md").write_text("")
    assert cli.main(["docs", "-o", str(tmp_path)]) == 0
    assert not (tmp_path / "functions" / "gone.md").exists()
    assert (tmp_path / "tables" / "accelerators.md").exists()


def blocks(kind, page="README.md"):
    return re.findall(rf"```{kind}\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def test_readme_python():
    found = blocks("pycon")
    assert len(found) >= 2
    for block in found:
        test = doctest.DocTestParser().get_doctest(block, {}, "README", None, 0)
        assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("page", ["README.md", "docs/scenarios.md"])
def test_commands_of_a_page(page, tmp_path, monkeypatch, capsys):
    """Every command that a page shows prints what the page shows, with the files that it shows."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "templates").symlink_to(ROOT / "templates")
    for text in blocks("toml", page):
        if name := re.match(r"# (\S+\.toml)\n", text):
            (tmp_path / name[1]).write_text(text, encoding="utf-8")
    shown = 0
    for block in blocks("console", page):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            if command.startswith("xl-econ "):
                cli.main(shlex.split(command)[1:])
                printed = capsys.readouterr()
                assert (printed.out + printed.err).strip() == output.strip(), command
                shown += 1
    assert shown >= 3


def test_readme_formulas(tmp_path):
    """The cell and the LAMBDA that the README shows give the number beside them, in IronCalc."""
    [block] = blocks("excel")
    lines = block.split()
    sheet = Sheet(tmp_path / "readme.xlsx")
    cells = [(sheet.formula(f[1:], dynamic=True), float(v)) for f, v in zip(lines[::2], lines[1::2], strict=True)]
    values = sheet.compute()
    assert len(cells) == 2
    assert all(close(values[cell], value) for cell, value in cells)


@pytest.mark.parametrize("page", ["README.md", "docs/scenarios.md"])
def test_links_of_a_page_lead_somewhere(page):
    path = ROOT / page
    text = path.read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)]+)\)", text) if not t.startswith("http")]
    assert targets
    headings = {"#" + h.lower().replace(" ", "-") for h in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
    assert not [t for t in targets if t.startswith("#") and t not in headings]
    assert not [t for t in targets if not (path.parent / t.split("#")[0]).exists()]


def test_nothing_names_this_machine():
    words = ["/" + "work/", "../" + "shared", "py" + "pi.org", "np" + "mjs"]
    for path in ROOT.rglob("*"):
        inside = path.relative_to(ROOT).parts[0]
        if path.suffix in (".py", ".md", ".toml", ".csv") and not inside.startswith((".", "demo", "build", "dist")):
            text = path.read_text(encoding="utf-8")
            assert not [w for w in words if w in text], path
