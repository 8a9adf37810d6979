"""SOURCE: where the figures of any row come from, in every host."""

import json

import numpy as np
import pandas as pd
import pytest

import xl_econ
from xl_econ import cli
from xl_econ.core.errors import NotAvailable
from xl_econ.core.expr import Expr, var
from xl_econ.core.ops import concat, evaluate
from xl_econ.hosts import udf
from xl_econ.metrics import get
from xl_econ.printers import excel, latex, markdown
from xl_econ.tables import store
from xl_econ.tables.store import KEYED, RATE_CARD, TABLES

FP8 = "OCP 8-bit Floating Point Specification (OFP8) 1.0 (as of 2023-12, grade A)"


def test_every_table_with_a_text_for_a_key():
    assert set(KEYED) == {t.name for t in RATE_CARD.values() if t.unit(t.key) == "text"}


@pytest.mark.parametrize("t", KEYED.values(), ids=lambda t: t.name)
def test_it_says_what_the_row_says(t):
    for key, row in t.rows.items():
        assert xl_econ.source(t.name, key) == f"{row.source} (as of {row.as_of}, grade {row.grade})"


def test_hosts(capsys):
    assert xl_econ.source("Precisions", "FP8") == FP8
    assert udf.SOURCE("precisions", "fp8") == [[FP8]]
    assert udf.SOURCE("precisions", [["fp8", "nothing"]]) == [[FP8, "#N/A"]]
    assert udf.EXPLAIN("SOURCE", "precisions", "fp8")[-1][2:] == [FP8, ""]
    assert cli.main(["calc", "SOURCE", "precisions", "fp8"]) == 0
    assert capsys.readouterr().out == FP8 + "\n"
    assert cli.main(["explain", "SOURCE", "precisions", "fp8", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [x["value"] for x in found["lookups"]] == FP8.replace(", grade ", " (as of ").rstrip(")").split(" (as of ")


def test_arrays_look_up_only_in_the_tables_that_are_named(monkeypatch):
    looked = []
    lookup = store.Table.lookup
    monkeypatch.setattr(store.Table, "lookup", lambda t, *a: looked.append(t.name) or lookup(t, *a))
    tables, keys = ["precisions", "accelerators", "precisions"], ["fp8", "H100 SXM 80GB", "bf16"]
    expected = [xl_econ.source(t, k) for t, k in zip(tables, keys, strict=True)]
    assert set(looked) == {"precisions", "accelerators"}
    assert xl_econ.source(tables, keys) == expected
    assert xl_econ.source("precisions", ["fp8", "bf16"]) == [expected[0], expected[2]]
    series = pd.Series(keys, index=[7, 8, 9])
    assert xl_econ.source(np.array(tables, dtype=object), series).to_dict() == dict(
        zip(series.index, expected, strict=True)
    )
    grid = np.array(keys[::2], dtype=object).reshape(2, 1)
    assert xl_econ.source("precisions", grid).tolist() == [[expected[0]], [expected[2]]]


@pytest.mark.parametrize(
    ("table", "key", "says"),
    [
        ("precision", "fp8", "did you mean 'precisions'?"),
        ("mfu_typical", "8", "allowed are accelerators"),
        ("precisions", "fp9", "precisions has no precision 'fp9'; did you mean"),
        (["precisions"], ["fp9"], "precisions has no precision 'fp9'"),
    ],
)
def test_what_is_not_there(table, key, says):
    with pytest.raises(NotAvailable, match=says.replace("?", r"\?")):
        xl_econ.source(table, key)


def test_local_lambdas_of_several_tables_have_names_of_their_own():
    text = excel.lambda_(get("SOURCE"))
    for t in KEYED.values():
        assert text.count(f"of_{t.name},LAMBDA(field,VLOOKUP(key,{t.sheet}[") == 1
    assert TABLES["seed_claims"].sheet not in text, "a rate card does not hold it"


def test_texts_one_after_the_other():
    e = concat(var("a"), " of ", var("b"))
    assert (e.op, concat("a", "b")) == ("concat", "ab")
    assert evaluate(e, {"a": "x", "b": "y"}) == "x of y"
    assert excel.formula(e) == 'a&" of "&b'
    assert excel.formula(Expr("=", e, "x of y")) == '(a&" of "&b)="x of y"'
    assert markdown.text(e) == 'a & " of " & b'
    assert latex.show(e).count(r"\Vert") == 2
    assert concat(np.array(["x", "z"], dtype=object), "y").tolist() == ["xy", "zy"]
