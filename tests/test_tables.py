"""Reference tables: what ships is complete and sourced, and a bad row is refused with file, row, column and reason."""

import csv

import pytest

from xl_econ.core.errors import NotAvailable, TableError
from xl_econ.tables import store
from xl_econ.tables.store import TABLES

ACCELERATORS = TABLES["accelerators"]
SEED_TABLES = ("mfu_typical", "cost_components", "batch_utilization", "optimizations", "inference_price_classes")


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_shipped_rows(table):
    assert len(table.rows) >= 4
    for key, row in table.rows.items():
        assert row.source, key
        assert row.as_of <= "2026-11-23", key
        if table.name.startswith("seed") or table.name in SEED_TABLES:
            assert row.grade == "D", key
    assert table.model.__doc__
    assert all(f.description for f in table.model.model_fields.values())


def write(folder, changes=None, header=None, rows=None, drop=None):
    """A copy of accelerators.csv with a cell changed, a column dropped or rows replaced."""
    with (store.DATA / "accelerators.csv").open(encoding="utf-8") as f:
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
        ({"changes": {(3, "bf16"): "-3"}}, "row 4, column bf16: -3: must be above 0 and at most 1e+06"),
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
        store.load(ACCELERATORS, write(tmp_path, **how))
    assert str(e.value).startswith("accelerators.csv")
    assert text in str(e.value)


def test_an_optional_column_may_be_absent_and_percentages_are_read(tmp_path):
    assert len(store.load(ACCELERATORS, write(tmp_path, drop="fp4"))) == len(ACCELERATORS.rows)
    path = tmp_path / "m.csv"
    path.write_text("gpus,setup,text,low,mid,high,source,as_of,grade\n1,One,x,50%,0.55,60 %,here,2026,A\n")
    assert store.load(TABLES["mfu_typical"], path)[1].low == 0.5


def test_files_that_are_no_table(tmp_path):
    path = tmp_path / "t.csv"
    with pytest.raises(TableError, match="cannot be read"):
        store.load(ACCELERATORS, path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TableError, match="cannot be read"):
        store.load(ACCELERATORS, path)
    path.write_text((store.DATA / "accelerators.csv").read_text().splitlines()[0])
    with pytest.raises(TableError, match="has no rows"):
        store.load(ACCELERATORS, path)


def test_keys_are_found_as_people_type_them():
    assert {ACCELERATORS.find(k) for k in ("H100", "h100 sxm", "H100-SXM5", "H100 SXM 80GB")} == {"H100 SXM 80GB"}
    assert TABLES["training_runs"].find("llama-3.1-405b") == "Llama 3.1 405B"
    for name in ("V100", "A100", "H200", "B200", "MI300X", "GB200", "TPU v5p", "Trainium 2"):
        assert ACCELERATORS.find(name)


def test_an_alias_of_two_rows_is_refused(tmp_path):
    rows = store.load(ACCELERATORS, write(tmp_path, {(1, "aliases"): "H100"}))
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
