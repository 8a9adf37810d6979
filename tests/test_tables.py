"""Reference tables: what ships is complete and sourced, and a bad row is refused with file, row, column and reason."""

import csv
from collections import Counter
from datetime import date

import pytest

import xl_econ
from xl_econ.core import quantities
from xl_econ.core.errors import NotAvailable, TableError, UsageError
from xl_econ.tables import queries, rows, store
from xl_econ.tables.read import check_rows, load
from xl_econ.tables.store import TABLES
from xl_econ.tables.table import DATA

ACCELERATORS = TABLES["accelerators"]
SEED_TABLES = ("mfu_typical", "cost_components", "batch_utilization", "optimizations", "inference_price_classes")


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_shipped_rows(table):
    assert len(table.rows) >= 2
    for key, row in table.rows.items():
        assert row.source, key
        assert row.as_of <= "2026-11-23", key
        if table.name.startswith("seed") or table.name in SEED_TABLES:
            assert row.grade == "D", key
    assert table.model.__doc__
    assert all(f.description for f in table.model.model_fields.values())


def write(folder, changes=None, header=None, rows=None, drop=None):
    """A copy of accelerators.csv with a cell changed, a column dropped or rows replaced."""
    with (DATA / "accelerators.csv").open(encoding="utf-8") as f:
        lines = list(csv.reader(f))
    for (row, column), text in (changes or {}).items():
        lines[row][lines[0].index(column)] = text
    if drop:
        at = lines[0].index(drop)
        lines = [line[:at] + line[at + 1 :] for line in lines]
    if header:
        lines[0] = header(lines[0])
    lines += rows or []
    path = folder / "accelerators.csv"
    with path.open("w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows(lines)
    return path


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"changes": {(3, "bf16"): "-3"}}, "row 4, column bf16: -3: must be above 0 and at most 1,000,000"),
        ({"changes": {(3, "bf16"): "312e12"}}, "row 4, column bf16: 3.12e+14: in TFLOP/s, write 312"),
        ({"changes": {(3, "bf16"): "fast"}}, "row 4, column bf16: 'fast': expected a number"),
        ({"changes": {(3, "bf16"): "nan"}}, "row 4, column bf16: nan: not a finite number"),
        ({"changes": {(3, "bf16"): "#N/A"}}, "row 4, column bf16: #N/A: an error value came in"),
        ({"changes": {(3, "hbm_gb"): ""}}, "row 4, column hbm_gb: is empty"),
        ({"changes": {(3, "source"): " "}}, "row 4, column source: "),
        ({"changes": {(3, "grade"): "E"}}, "row 4, column grade: 'E': "),
        ({"changes": {(3, "as_of"): "yesterday"}}, "row 4, column as_of: 'yesterday': "),
        ({"changes": {(3, "as_of"): "2026-13"}}, "row 4, column as_of: month must be in 1..12"),
        ({"changes": {(3, "accelerator"): "A*"}}, "row 4, column accelerator: 'A*': "),
        (
            {"changes": {(3, "accelerator"): "V100 SXM2 32GB"}},
            "row 4, column accelerator: 'V100 SXM2 32GB' stands there",
        ),
        ({"drop": "hbm_gb"}, "column 'hbm_gb' is missing"),
        (
            {"header": lambda h: ["bf61" if c == "bf16" else c for c in h]},
            "unknown column 'bf61'; did you mean 'bf16'?",
        ),
        ({"rows": [["x"] * 40]}, "more cells than columns"),
    ],
)
def test_a_bad_row_is_refused(how, text, tmp_path):
    with pytest.raises(TableError) as e:
        load(ACCELERATORS, write(tmp_path, **how))
    assert str(e.value).startswith("accelerators.csv")
    assert text in str(e.value)


def test_an_optional_column_may_be_absent_and_percentages_are_read(tmp_path):
    assert len(load(ACCELERATORS, write(tmp_path, drop="fp4"))) == len(ACCELERATORS.rows)
    path = tmp_path / "m.csv"
    path.write_text("gpus,setup,text,low,mid,high,source,as_of,grade\n1,One,x,50%,0.55,60 %,here,2026,A\n")
    assert load(TABLES["mfu_typical"], path)[1].low == 0.5


def test_files_that_are_no_table(tmp_path):
    path = tmp_path / "t.csv"
    with pytest.raises(TableError, match="cannot be read"):
        load(ACCELERATORS, path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TableError, match="cannot be read"):
        load(ACCELERATORS, path)
    path.write_text((DATA / "accelerators.csv").read_text().splitlines()[0])
    with pytest.raises(TableError, match="has no rows"):
        load(ACCELERATORS, path)


def test_keys_are_found_as_people_type_them():
    assert {ACCELERATORS.find(k) for k in ("H100", "h100 sxm", "H100-SXM5", "H100 SXM 80GB")} == {"H100 SXM 80GB"}
    assert TABLES["training_runs"].find("llama-3.1-405b") == "Llama 3.1 405B"
    for name in ("V100", "A100", "H200", "B200", "MI300X", "GB200", "TPU v5p", "Trainium 2"):
        assert ACCELERATORS.find(name)


def test_an_alias_of_two_rows_is_refused(tmp_path):
    rows = load(ACCELERATORS, write(tmp_path, {(1, "aliases"): "H100"}))
    table = store.Table("accelerators", "Accelerators", "Accelerator", "accelerator", "", rows)
    with pytest.raises(TableError, match="'H100' names both 'V100 SXM2 32GB' and 'H100 SXM 80GB'"):
        table.find("H100")


def test_segments():
    table = TABLES["mfu_typical"]
    assert [table.segment(g, "gpus") for g in (1, 7, 8, 300, 10_000, 1e6)] == [1, 1, 2, 3, 3, 3]
    with pytest.raises(NotAvailable, match=r"mfu_typical: 0.5 is below the first gpus, 1"):
        table.segment(0.5, "gpus")


def test_tables_by_name():
    assert store.get("Accelerators") is ACCELERATORS
    with pytest.raises(NotAvailable, match="no table 'acelerators'; did you mean 'accelerators'"):
        store.get("acelerators")


def test_dense_peaks_only():
    """A datasheet's sparse figure is twice the dense one; the ratios between precisions show that none slipped in."""
    for row in ACCELERATORS.rows.values():
        if row.fp8 and row.bf16 and row.vendor in ("NVIDIA", "AMD"):
            assert 1.9 < row.fp8 / row.bf16 < 2.1, row.accelerator
    h100 = ACCELERATORS.rows["H100 SXM 80GB"]
    assert (h100.bf16, h100.fp8) == (989.4, 1978.9)


# -- prices -----------------------------------------------------------------------------------------------------
PRICES = TABLES["cloud_prices"]


def priced(**cells):
    """The row of AWS's latest H100 price with some cells changed, as a table of its own."""
    row = PRICES.rows["AWS|H100 SXM 80GB|on-demand|latest"].model_dump() | cells
    return check_rows(PRICES, "t", row, [row])


def test_cloud_prices_are_of_many_providers():
    latest = [r for r in PRICES.rows.values() if r.case == "latest"]
    assert len(latest) >= 100
    assert len({r.provider for r in latest}) >= 15
    assert Counter(r.gpu for r in latest)["H100 SXM 80GB"] >= 25
    assert {r.gpu for r in latest} >= {"H200 SXM 141GB", "B200 SXM (HGX)", "A100 SXM 80GB", "MI300X"}
    assert {r.gpu for r in PRICES.rows.values()} <= set(ACCELERATORS.rows)


def test_purchases_name_accelerators_of_the_table():
    named = {r.accelerator for r in TABLES["purchase_prices"].rows.values()} - {None}
    assert "H100 SXM 80GB" in named
    assert named <= set(ACCELERATORS.rows)


def test_hosted_models_have_the_host_in_front():
    for key, row in TABLES["api_prices"].rows.items():
        assert ("/" in key) == (row.made_by_provider == "no"), key
        assert row.output_usd_per_mtok >= row.input_usd_per_mtok * 0.99, key
        if row.cached_input_usd_per_mtok is not None:
            assert row.cached_input_usd_per_mtok < row.input_usd_per_mtok, key


def test_the_seed_s_six_providers_as_written():
    seed = {k: r.usd_per_instance_hour for k, r in PRICES.rows.items() if r.case.startswith("seed")}
    for provider, low, *prices in (("AWS", 30, 98, 65, 40), ("GCP", 30, 98, 70, 35), ("Azure", 30, 96, 65, 40)):
        offers = [f"{provider}|H100 SXM 80GB|{x}" for x in ("on-demand|seed", "reserved-1yr|seed", "spot|seed high")]
        assert [seed[o] for o in offers] == prices
        assert seed[f"{provider}|H100 SXM 80GB|spot|seed"] == low
    for provider, prices in (("CoreWeave", [2.5, 2.0]), ("Lambda", [2.5, 1.9])):
        assert [v for k, v in seed.items() if k.startswith(f"{provider}|")] == prices
    assert not any(k.startswith("Together AI|") for k in seed)  # "Varies by model"


def test_a_price_must_be_its_share_of_the_instance():
    assert priced(usd_per_gpu_hour=6.8801)
    with pytest.raises(TableError, match=r"t, row 2, column usd_per_gpu_hour: 12: 55.04 for 8 GPU make 6.88"):
        priced(usd_per_gpu_hour=12.0)
    with pytest.raises(
        TableError, match=r"column case: 'seed': the offer must be 'AWS\|H100 SXM 80GB\|on-demand\|seed'"
    ):
        priced(case="seed")
    with pytest.raises(TableError, match="column term: 'weekly'"):
        priced(term="weekly")


def test_the_choices_of_the_function_are_those_of_the_table():
    for column, alias in (("term", quantities.Term), ("case", quantities.Case)):
        assert rows.choices(PRICES.model, column) == alias.__metadata__[0].choices


def test_prices_as_people_ask_for_them():
    assert xl_econ.cloud_price("aws", "H100") == 6.88
    assert xl_econ.cloud_price("AWS", "H100 SXM", "spot", "seed high") == 5.0
    assert xl_econ.cloud_price(["AWS", "Azure"], "H100") == [6.88, 12.29]
    with pytest.raises(NotAvailable, match=r"cloud_prices has no offer 'AWS\|H100\|flex\|latest'"):
        xl_econ.cloud_price("AWS", "H100", "flex")
    assert xl_econ.api_price("openai/gpt-4o") == 10.0
    assert xl_econ.api_price("gpt-4o", "cached") == 1.25
    with pytest.raises(NotAvailable, match="has no cached_input_usd_per_mtok"):
        xl_econ.api_price("gpt-4-turbo", "cached")
    assert xl_econ.assumption("power.us_industrial") == 0.0929
    assert xl_econ.assumption("power.us_industrial.2024-12") == 0.0796
    assert xl_econ.optimization("GQA", "memory_reduction_high") == 8.0


def test_batches_between_the_rows():
    for batch, low, high in ((1, 0.05, 0.15), (8, 0.2, 0.4), (32, 0.4, 0.6), (128, 0.6, 0.8), (4096, 0.6, 0.8)):
        found = xl_econ.batch_utilization(batch, "low"), xl_econ.batch_utilization(batch, "high")
        assert found == pytest.approx((low, high))
    assert xl_econ.batch_utilization(16) == pytest.approx(0.4)  # halfway between 8 and 32 on a log scale


def test_the_latest_assumption_has_the_bare_key():
    table = TABLES["assumptions"]
    for key, row in table.rows.items():
        bare = key.rsplit(".", 1)[0]
        if key[-3:-2] == "-":
            assert table.rows[bare].as_of > row.as_of
            assert key.endswith(row.as_of)
        if row.low is not None:
            assert row.low < row.value < row.high


def test_known_contradictions_are_found():
    found = {c.offer: c for c in queries.conflicts(PRICES)}
    aws = found["AWS|H100 SXM 80GB|on-demand"]
    assert [q.price for q in aws.quotes] == [6.88, 12.25, 12.29]  # 55.04 and 98.32 for eight
    assert [q.seed for q in aws.quotes] == [False, True, False]
    assert aws.spread == pytest.approx(12.29 / 6.88 - 1)
    assert found["GCP|H100 SXM 80GB|on-demand"].quotes[0].price == 4.2008
    assert {q.price for q in found["Azure|H200 SXM 141GB|on-demand"].quotes} == {10.6, 13.78}
    assert {"Lambda|H100 SXM 80GB|on-demand", "Lambda|H100 PCIe 80GB|on-demand"} <= set(found)
    spreads = [c.spread for c in found.values()]
    assert spreads == sorted(spreads, reverse=True)
    assert min(spreads) > 0.2
    assert "Azure|H100 SXM 80GB|spot" not in found  # two ends of the seed's range
    assert len(queries.conflicts(PRICES, 1.0)) < len(found)
    assert queries.conflicts(TABLES["purchase_prices"])
    with pytest.raises(UsageError, match="accelerators has no offers with several prices; there are cloud_prices, "):
        queries.conflicts(ACCELERATORS)


@pytest.mark.parametrize(
    ("as_of", "day"),
    [
        ("2025", date(2025, 12, 31)),
        ("2024-02", date(2024, 2, 29)),
        ("2025-06", date(2025, 6, 30)),
        ("2025-06-05", date(2025, 6, 5)),
        ("2026", date(2026, 11, 23)),
        ("2026-11", date(2026, 11, 23)),
        ("2026-12-31", date(2026, 11, 23)),
    ],
)
def test_a_partial_date_counts_from_its_end(as_of, day):
    assert queries.latest_day(as_of, date(2026, 11, 23)) == day


def test_older_than():
    today = date(2026, 11, 23)
    old = queries.older_than(PRICES, 180, today)
    assert {o.as_of for o in old} >= {"2025", "2025-04-23"}
    assert all(o.days > 180 for o in old)
    assert [o.days for o in old] == sorted((o.days for o in old), reverse=True)
    assert next(o.days for o in old if o.as_of == "2025") == (today - date(2025, 12, 31)).days
    assert not queries.older_than(PRICES, 5000, today)
    assert queries.older_than(PRICES, 0)


def test_keys_in_any_script_are_told_apart():
    header = ["key", "item", "value", "unit", "source", "as_of", "grade"]
    table = [
        header,
        *([k, k, v, "USD/kWh", "own", "2026", "A"] for k, v in (("東京", 5.0), ("大阪", 6.0), ("цена_2026", 7.0))),
    ]
    assert [xl_econ.assumption(k, table) for k in ("東京", "大阪", "Цена 2026")] == [5.0, 6.0, 7.0]
    for unknown in ("?", "京都", "тариф.2026"):
        with pytest.raises(NotAvailable, match="has no key"):
            xl_econ.assumption(unknown, table)


@pytest.mark.parametrize("table", [5.0, [], "text", [5.0]])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(TableError, match="expected its rows under its header"):
        xl_econ.gpu_spec("H100", "bf16", table)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"params_expert_b": 900.0}, "column params_expert_b: 900: more than params_total_b"),
        ({"experts_per_token": 300.0}, "column experts_per_token: 300: more than experts, 256"),
    ],
)
def test_a_part_is_no_larger_than_its_whole(change, text):
    row = TABLES["model_architectures"].shipped["DeepSeek-V3/R1"].model_dump()
    with pytest.raises(TableError, match=text):
        xl_econ.weights_gb(row | change)
