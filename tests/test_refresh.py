"""`tables refresh`: what the installed genai-prices changes, by a fake of the package, and what is written."""

import csv
import importlib.util
import json
import sys
from datetime import date
from decimal import Decimal
from types import ModuleType, SimpleNamespace

import openpyxl
import pytest

import xl_econ
from xl_econ import cli
from xl_econ.core.errors import TableError
from xl_econ.tables import genai, refresh
from xl_econ.tables.read import load
from xl_econ.tables.store import TABLES
from xl_econ.tables.table import DATA
from xl_econ.templates import build, layout
from xl_econ.templates.model import Model
from xl_econ.workbook import rate_card

TABLE = TABLES["api_prices"]


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(rate_card, "FRESH_SECONDS", 0)
    yield
    xl_econ.use_rate_card(None)


def tiers(base, above):
    return SimpleNamespace(base=Decimal(str(base)), tiers=[SimpleNamespace(start=200_000, price=Decimal(str(above)))])


def prices(given, made, cached=None, written=None):
    found = {"input_mtok": given, "output_mtok": made, "cache_read_mtok": cached, "cache_write_mtok": written}
    decimal = {k: Decimal(str(v)) if isinstance(v, int | float) else v for k, v in found.items()}
    return SimpleNamespace(**decimal)


def model(name, figures, context=None, comment=None, deprecated=None, **more):
    found = SimpleNamespace(
        id=name, prices=figures, context_window=context, price_comments=comment, deprecated=deprecated, **more
    )
    found.get_prices = lambda at: next(p for start, p in reversed(figures) if start <= at.hour)
    return found


def provider(identity, name, *models, urls=("https://example.com/prices",), comment=None):
    return SimpleNamespace(id=identity, name=name, models=list(models), pricing_urls=urls, price_comments=comment)


@pytest.fixture
def package(monkeypatch):
    """Puts a package of these providers in the place of genai-prices."""

    def install(*providers, version="9.9.9"):
        top, data = ModuleType("genai_prices"), ModuleType("genai_prices.data_snapshot")
        top.__version__ = version
        data.get_snapshot = lambda: SimpleNamespace(providers=list(providers))
        monkeypatch.setitem(sys.modules, "genai_prices", top)
        monkeypatch.setitem(sys.modules, "genai_prices.data_snapshot", data)
        return data

    return install


OPENAI = provider(
    "openai",
    "OpenAI",
    model("gpt-4o", prices(2, 10, 1.25), 128_000, "Batch rates verified on 2026-12-01. Rises from 2099-01-01."),
    model("gpt-4.1", prices(tiers(2, 4), 8, 0.5), comment="checked 2026-13-45"),
    model("gpt-4o-mini", prices(0.15, 0.6, 0.075), 128_000, prices_checked=date(2026, 11, 30)),
    model("gpt-new", prices(1, 4), 500_000),
    model("gpt-old", prices(1, 4), deprecated=True),
    model("gpt-*", prices(1, 4)),
    model("free", prices(0, 0)),
    model("embedding", prices(1, None)),
)
DEEPSEEK = provider(
    "deepseek", "Deepseek", model("deepseek-chat", [(0, prices(0.135, 0.55)), (8, prices(0.27, 1.1, 0.07))]), urls=None
)
TOGETHER = provider(
    "together",
    "Together AI",
    model("openai/gpt-oss-120b", prices(0.15, 0.6), 131_072, deprecated=True),
    model("org/another", prices(1, 2)),
)
OTHER = provider("other", "Nobody we know", model("x", prices(1, 1)))


def read(*providers, today=date(2027, 1, 1)):
    return refresh.api_prices(TABLE, genai.read(today))


def run(capsys, *args):
    code = cli.main([str(a) for a in args])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def own_card(folder, source="contract 7", key="gpt-4o", price=1.8):
    """A company's rate card with a price of its own, as a spreadsheet program leaves it."""
    path = folder / "company.xlsx"
    build.build(Model(layout.load("rate_card")), path)
    book = openpyxl.load_workbook(path)
    sheet = book["ApiPrices"]
    at = {c.value: c.column for c in sheet[5]}
    [row] = [r for r in sheet.iter_rows(min_row=6) if r[0].value == key]
    row[at["input_usd_per_mtok"] - 1].value = price
    if source:
        row[at["source"] - 1].value = source
    book.save(path)
    return path


# -- what changes -----------------------------------------------------------------------------------------------
def test_what_changes(package):
    package(OPENAI, DEEPSEEK, TOGETHER, OTHER)
    found = read()
    assert [(c.key, c.column, c.old, c.new) for c in found.changed] == [
        ("gpt-4o", "input_usd_per_mtok", 2.5, 2.0),
        ("gpt-4.1", "tiered", "no", "yes"),
        ("gpt-4.1", "note", None, refresh.TIERED),
        ("together/openai/gpt-oss-120b", "note", None, refresh.RETIRED),
    ]
    assert found.changed[0].change == pytest.approx(-0.2)
    assert (found.version, found.as_of, found.unchanged) == ("9.9.9", "2026-12-01", 2)
    assert len(found.missing) == len(TABLE.rows) - 5
    assert not found.own
    assert not found.added
    assert list(found.rows) == list(TABLE.rows)
    row = found.rows["gpt-4o"]
    assert (row.source, row.as_of, row.grade) == (
        "genai-prices 9.9.9 (PyPI); https://example.com/prices",
        "2026-12-01",
        "B",
    )
    assert found.rows["gpt-4o-mini"].as_of == "2026-11-30", "the model's own day"
    assert found.rows["gpt-4.1"].context == 1e6, "what the package does not say is kept"
    assert found.rows["gpt-3.5-turbo"] == TABLE.rows["gpt-3.5-turbo"]
    assert found.rows["deepseek-chat"].source == "genai-prices 9.9.9 (PyPI)"
    assert found.rows["deepseek-chat"].input_usd_per_mtok == 0.27, "the price of most of the day"


def test_a_price_that_is_no_longer_published_and_a_tier_that_went(package):
    flat = provider("google", "Google", model("gemini-2.5-pro", prices(1.25, 10)))
    package(flat)
    assert [(c.column, c.old, c.new, c.change) for c in read().changed] == [
        ("cached_input_usd_per_mtok", 0.125, None, None),
        ("tiered", "yes", "no", None),
        ("note", refresh.TIERED, None, None),
    ]


def test_without_a_day_it_is_today(package):
    package(TOGETHER)
    assert read(today=date(2030, 5, 6)).as_of == "2030-05-06"


def test_rows_of_another_source_are_kept(package, tmp_path, capsys):
    package(OPENAI)
    found = json.loads(run(capsys, "tables", "refresh", "api_prices", "--json", "--rate-card", own_card(tmp_path))[1])
    assert found["own"] == ["gpt-4o"]
    assert not [c for c in found["changed"] if c["key"] == "gpt-4o"]


def test_float_noise_of_a_formula_is_no_change(package, tmp_path, capsys):
    package(provider("openai", "OpenAI", model("gpt-4o", prices(2.5, 10, 1.25))))
    path = own_card(tmp_path, source=None, price=2.4999999999999996)
    code, out, _ = run(capsys, "tables", "refresh", "API_PRICES", "--rate-card", path)
    assert code == 0
    assert "0 rows change, 0 are added, 1 stay" in out
    assert "nothing written" not in out


def test_all_models_of_the_providers_in_the_table(package):
    package(OPENAI, TOGETHER, OTHER)
    found = refresh.api_prices(TABLE, genai.read(date(2027, 1, 1)), all_models=True)
    assert found.added == ("gpt-new", "together/org/another")
    new, hosted = (found.rows[k] for k in found.added)
    assert (new.aliases, new.made_by_provider, new.context, new.tiered) == ("openai/gpt-new", "yes", 5e5, "no")
    assert (hosted.aliases, hosted.made_by_provider, hosted.provider) == (None, "no", "Together AI")


# -- the command ------------------------------------------------------------------------------------------------
def test_shows_and_writes_nothing(package, tmp_path, monkeypatch, capsys):
    package(OPENAI)
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "tables", "refresh", "api_prices", "--all-models")
    assert (code, err) == (1, "")
    assert ["gpt-4o", "input_usd_per_mtok", "2.5", "2", "-20.0%"] in [line.split() for line in out.splitlines()]
    assert "not in genai-prices (kept)" in out
    assert "gpt-new" in out
    assert "2 rows change, 1 are added, 1 stay" in out
    assert "nothing written: -o F" in out
    assert list(tmp_path.iterdir()) == []


def test_writes_a_rate_card_and_the_table(package, tmp_path, capsys):
    package(OPENAI)
    card, table = tmp_path / "new.xlsx", tmp_path / "api_prices.csv"
    args = ("tables", "refresh", "api_prices", "-o", card, "--csv", table)
    code, out, err = run(capsys, *args, "--rate-card", own_card(tmp_path, key="gpt-5"))
    assert (code, err) == (0, "")
    assert f"written: {card}\nwritten: {table}\n" in out
    assert "of another source (kept)" in out
    xl_econ.use_rate_card(card)
    assert xl_econ.api_price("gpt-4o", "input") == 2
    assert xl_econ.api_price("gpt-5", "input") == 1.8, "the contract"
    assert load(TABLE, table) == TABLE.rows
    xl_econ.use_rate_card(None)
    assert xl_econ.api_price("gpt-4o", "input") == 2.5
    # What was built and not edited may be built again; a CSV file cannot tell.
    assert run(capsys, *args[:5])[0] == 0
    assert "exists; --force replaces it" in run(capsys, *args)[2]
    assert run(capsys, *args, "--force", "--json")[0] == 0


def test_the_csv_is_as_the_shipped_one(package, tmp_path, capsys):
    package(OPENAI)
    path = tmp_path / "api_prices.csv"
    run(capsys, "tables", "refresh", "api_prices", "--csv", path)
    shipped = (DATA / "api_prices.csv").read_text("utf-8").splitlines()
    written = path.read_text("utf-8").splitlines()
    changed = {"gpt-4o", "gpt-4.1", "gpt-4o-mini"}
    assert len(shipped) == len(written)
    assert {next(csv.reader([a]))[0] for a, b in zip(shipped, written, strict=True) if a != b} == changed


def test_an_edited_card_is_not_replaced(package, tmp_path, capsys):
    package(OPENAI)
    path = own_card(tmp_path)
    before = path.read_bytes()
    args = ("tables", "refresh", "api_prices", "--rate-card", path, "-o", path)
    code, _, err = run(capsys, *args, "--csv", tmp_path / "x.csv")
    assert code == 4
    assert "is not as xl-econ built it; --force replaces it" in err
    assert path.read_bytes() == before
    assert not (tmp_path / "x.csv").exists()
    assert run(capsys, *args, "--force")[0] == 0
    assert rate_card.read(path)["api_prices"]["gpt-4o"].source == "contract 7"


@pytest.mark.parametrize("where", ["folder", "missing/x.csv"])
def test_a_csv_that_cannot_be_written(where, package, tmp_path, capsys):
    package(OPENAI)
    (tmp_path / "folder").mkdir()
    code, _, err = run(capsys, "tables", "refresh", "api_prices", "--csv", tmp_path / where)
    assert code == 4
    assert where in err


def test_a_csv_that_fails_midway_leaves_nothing(package, tmp_path, monkeypatch, capsys):
    package(OPENAI)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    code, _, err = run(capsys, "tables", "refresh", "api_prices", "--csv", tmp_path / "x.csv")
    assert (code, list(tmp_path.iterdir())) == (4, [])
    assert "No space left" in err


# -- errors -----------------------------------------------------------------------------------------------------
def test_the_package_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    code, out, err = run(capsys, "tables", "refresh", "api_prices")
    assert (code, out) == (2, "")
    assert err == "xl-econ: genai-prices is not installed; pip install 'xl-econ[refresh]' brings it\n"


def test_what_the_package_needs_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "genai_prices", raising=False)
    for name, text in (("one", "import no_such_module_at_all"), ("two", "from json import nothing_of_the_kind")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "genai_prices.py").write_text(text)
        with monkeypatch.context() as m:
            m.syspath_prepend(tmp_path / name)
            code, _, err = run(capsys, "tables", "refresh", "api_prices")
        assert code == 3
        assert "genai-prices cannot be read: " in err


@pytest.mark.parametrize(
    "broken",
    [
        lambda data: delattr(data, "get_snapshot"),
        lambda data: setattr(data, "get_snapshot", lambda: None),
        lambda data: setattr(
            data, "get_snapshot", lambda: SimpleNamespace(providers=[provider("p", "P", model("m", prices("a", "b")))])
        ),
    ],
)
def test_the_package_is_unreadable(broken, package, capsys):
    broken(package(OPENAI))
    code, _, err = run(capsys, "tables", "refresh", "api_prices")
    assert code == 3
    assert err.startswith("xl-econ: genai-prices 9.9.9 cannot be read: ")


def test_nothing_in_common(package):
    package(OTHER)
    with pytest.raises(TableError, match=r"genai-prices 9\.9\.9 holds none of its \d+ rows"):
        read()


def test_a_price_that_cannot_be(package):
    package(provider("openai", "OpenAI", model("gpt-4o", prices(-1, 10))))
    with pytest.raises(TableError, match="input_usd_per_mtok: -1: must be"):
        read()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["refresh"], "which table? There is api_prices"),
        (["refresh", "accelerators"], "table 'accelerators' cannot be refreshed; what can be is api_prices"),
        (["refresh", "api_price"], "did you mean 'api_prices'?"),
        (["refresh", "api_prices", "--conflicts"], "refresh does not take them"),
        (["accelerators", "api_prices"], "go with: tables refresh NAME"),
        (["accelerators", "--csv", "x.csv"], "go with: tables refresh NAME"),
    ],
)
def test_usage(args, says, package, capsys):
    package(OPENAI)
    code, _, err = run(capsys, "tables", *args)
    assert code == 2
    assert says in err


# -- the package itself -----------------------------------------------------------------------------------------
@pytest.mark.skipif(importlib.util.find_spec("genai_prices") is None, reason="genai-prices is not installed")
def test_the_installed_package():
    found = refresh.api_prices(TABLE, genai.read())
    assert found.unchanged > len(TABLE.rows) / 2
    assert "2026-11" <= found.as_of <= date.today().isoformat()
    more = refresh.api_prices(TABLE, genai.read(), all_models=True)
    assert len(more.added) > 100
