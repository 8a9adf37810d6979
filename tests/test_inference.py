"""The economics of serving: published arithmetic in every host, and what must hold whatever the constants."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from support import Sheet, close

import xl_econ
from xl_econ import cli
from xl_econ.core.errors import DomainError, NotAvailable, TableError, XlEconError
from xl_econ.hosts import cells, udf
from xl_econ.hosts.explain import explain
from xl_econ.metrics import get
from xl_econ.printers.excel import step_names
from xl_econ.tables.store import TABLES

LLAMA = {"model": "Llama-3.1/3.3-70B", "gpu": "H100 SXM 80GB"}
SMALL = {"input_tokens": 1024, "output_tokens": 1024}
# Part by part, by a model in plain arithmetic that was written before this project's and shares no code with it.
VECTORS = [
    (
        LLAMA | SMALL | {"usd_per_gpu_hour": 2.5, "gpus": 2},
        {
            "input": 0.19589554640968393,
            "output": 0.8445223919436948,
            "request": 0.0010653879688738597,
            "blended": 0.5202089691766894,
            "TOKENS_PER_GPU": 1112.4446866411997,
            "ITL_MS": 28.76547515959421,
            "TTFT_MS": 1008.0994846934219,
            "MAX_BATCH": 268,
        },
    ),
    (  # 16-bit, a prefix cache that holds half the prompt, three drafted tokens
        LLAMA
        | {"usd_per_gpu_hour": 2.5, "gpus": 4, "input_tokens": 8192, "output_tokens": 512, "batch": 8}
        | {"precision": "bf16", "cache_hit": 0.5, "accepted_per_step": 2.2, "draft_tokens": 3, "utilization": 0.45},
        {
            "input": 0.29578283539399663,
            "output": 8.12016553543105,
            "request": 0.006580577741688318,
            "blended": 0.7560406412785292,
            "TOKENS_PER_GPU": 120.0690103217911,
            "ITL_MS": 16.657087408648557,
            "TTFT_MS": 1277.8447680576721,
            "MAX_BATCH": 48,
        },
    ),
    (  # multi-head latent attention and 256 experts
        {"model": "DeepSeek-V3/R1", "gpu": "H200 SXM 141GB", "usd_per_gpu_hour": 3, "gpus": 8}
        | {"input_tokens": 4096, "output_tokens": 1024},
        {
            "input": 0.20578090447305494,
            "output": 5.239105372328634,
            "request": 0.006207722485986155,
            "blended": 1.2124457980441707,
            "TOKENS_PER_GPU": 229.10531606927802,
            "ITL_MS": 34.91843898367212,
            "TTFT_MS": 1003.2212923192607,
            "MAX_BATCH": 247,
        },
    ),
    (  # W4A16 computes at the 16-bit peak; one accelerator, no link
        {"model": "Mixtral-8x7B", "gpu": "A100 SXM 80GB", "usd_per_gpu_hour": 1.8, "gpus": 1, "precision": "int4"}
        | {"input_tokens": 2048, "output_tokens": 256, "batch": 16},
        {
            "input": 0.15452796125356127,
            "output": 1.1321471775712595,
            "request": 0.0006063029421055359,
            "blended": 0.2631523186221944,
            "TOKENS_PER_GPU": 351.8593074816377,
            "ITL_MS": 45.47272065791519,
            "TTFT_MS": 1541.0045880831315,
            "MAX_BATCH": 150,
        },
    ),
]
PARTS = ("input", "output", "request", "blended")


def takes(name, given):
    """Of the arguments those that the function has; MAX_BATCH counts the tokens of half an answer, as TOKEN_COST."""
    m = get(name)
    found = {k: v for k, v in given.items() if k in m.params}
    return found | ({"context": given["input_tokens"] + given["output_tokens"] / 2} if "context" in m.params else {})


def calls():
    for given, wanted in VECTORS:
        for what, value in wanted.items():
            name, extra = ("TOKEN_COST", {"part": what}) if what in PARTS else (what, {})
            yield name, takes(name, given) | extra, value


@pytest.mark.parametrize(("name", "given", "value"), list(calls()))
def test_vectors_in_python_and_udf(name, given, value):
    assert close(getattr(xl_econ, name.lower())(**given), value)
    m = get(name)
    assert close(getattr(udf, name)(*(given.get(p) for p in m.params)), value)


def test_vectors_in_cells_and_lambdas(tmp_path):
    sheet = Sheet(tmp_path / "book.xlsx")
    wanted = []
    for name, given, value in calls():
        m = get(name)
        full = {p.name: given.get(p.name, p.default) for p in m.params.values()}
        refs = {k: f"$A${sheet.value(v)[1:]}" for k, v in full.items()}
        wanted.append((name, sheet.formula(f"{name}({','.join(refs.values())})", dynamic=True), value))
        names, first = step_names(m.tree) | {id(m.tree): name}, sheet.row + 1
        rows = cells.rows(m.tree, refs, full, m.units, lambda i, first=first: f"A{first + i}", names)
        wanted.append((name, [sheet.formula(row.formula) for row in rows][-1], value))
    found = sheet.compute()
    for name, cell, value in wanted:
        assert close(found[cell], value), name


def test_thirty_steps_on_the_command_line(capsys):
    words = "model=Llama-3.1/3.3-70B gpu=H100_SXM usd_per_gpu_hour=2.5 input_tokens=1024 output_tokens=1024 gpus=2"
    assert cli.main(["calc", "TOKEN_COST", *words.split(), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["steps"]) == 30
    assert all(isinstance(s["value"], float) and s["unit"] for s in found["steps"])
    assert {x["name"] for x in found["lookups"]} >= {"hbm_gb", "params_total_b", "mbu", "weight_bytes"}
    steps = {s["name"]: s["value"] for s in found["steps"]}
    assert round(steps["input_usd"], 2) == 0.20
    assert round(steps["output_usd"], 2) == 0.84
    ends = {"low": found["value"] / 1.65, "high": found["value"] * 1.65}
    assert found["band"] == {"factor": 1.65, "indicative": False, "measured": True} | ends
    assert cli.main(["calc", "TTFT_MS", *words.replace("usd_per_gpu_hour=2.5 ", "").split()]) == 0
    assert "indicative" in capsys.readouterr().err


@pytest.mark.parametrize("given", [given for given, _ in VECTORS])
def test_the_parts_add_up_to_the_request(given):
    part = {p: xl_econ.token_cost(**given, part=p) for p in (*PARTS, "low", "high")}
    tokens = given["input_tokens"], given["output_tokens"]
    assert close(part["input"] * tokens[0] + part["output"] * tokens[1], part["request"] * 1e6)
    assert close(part["blended"] * sum(tokens), part["request"] * 1e6)
    assert close(part["low"] * part["high"], part["blended"] ** 2)
    assert part["low"] < part["blended"] < part["high"]


@pytest.mark.parametrize("model", TABLES["model_architectures"].shipped)
def test_auto_is_the_fewest_that_fit(model):
    gpus = xl_econ.gpus_to_fit(model, "H100 SXM", 4096)
    assert gpus in {2.0**n for n in range(7)}
    assert xl_econ.max_batch(model, "H100 SXM", gpus, 4096) >= 1
    if gpus > 1:
        with pytest.raises(NotAvailable, match="do not fit"):
            xl_econ.max_batch(model, "H100 SXM", gpus / 2, 4096)
    for batch in (1, 64):
        fewest = xl_econ.gpus_to_fit(model, "H100 SXM", 4096.5, batch)
        auto = xl_econ.token_cost(model, "H100 SXM", 2, 4096, 1, batch)
        assert auto == xl_econ.token_cost(model, "H100 SXM", 2, 4096, 1, batch, gpus=fewest)


def test_attention_kinds():
    # 2 x 80 layers x 8 KV heads x 128 x 2 bytes: grouped queries keep 320 KiB a token, MLA 61 x 576 elements
    assert xl_econ.kv_cache_gb("Llama-3.1/3.3-70B", 1000, 1, "bf16") == 327_680 * 1000 / 1e9
    assert close(xl_econ.kv_cache_gb("DeepSeek-V3", 1000, 1, "bf16"), 61 * 576 * 2 * 1000 / 1e9)
    # gpt-oss: half of its 36 layers see 128 tokens
    assert close(xl_econ.kv_cache_gb("gpt-oss-120b", 8192, 1, "bf16"), 2 * 8 * 64 * 2 * 18 * (8192 + 128) / 1e9)
    # MLA's latent is copied to every accelerator: what each has left beside its share of the weights holds all requests
    for gpus in (8, 16):
        left = 141 * 0.9 - 3 - 671.025 / gpus
        fit = math.floor(left * 1e9 / (61 * 576 * 32768))
        assert xl_econ.max_batch("DeepSeek-V3", "H200 SXM", gpus, 32768) == fit


def test_quantised_weights_compute_no_faster_than_16_bits():
    common = {"model": "Llama-3.1/3.3-70B", "gpu": "H100 SXM", "input_tokens": 4096, "output_tokens": 1, "gpus": 2}
    speed = {p: xl_econ.prefill_tps(**common, precision=p) for p in ("int4", "mxfp4", "fp8")}
    assert speed["int4"] == speed["mxfp4"] < speed["fp8"]
    assert xl_econ.prefill_tps(**common | {"gpu": "B200"}, precision="mxfp4") > xl_econ.prefill_tps(
        **common | {"gpu": "B200"}, precision="int4"
    )


def test_a_prefix_cache_speculation_and_idle_hours():
    cost = lambda **more: xl_econ.token_cost(**LLAMA, **SMALL, usd_per_gpu_hour=2.5, gpus=2, **more)  # noqa: E731
    assert cost(part="input", cache_hit=1) == 0
    assert cost(cache_hit=0.9) < cost()
    assert cost(accepted_per_step=2.5, draft_tokens=3) < cost() < cost(draft_tokens=3)
    with pytest.raises(DomainError, match="at most draft_tokens"):
        cost(accepted_per_step=2.5, draft_tokens=1)
    assert close(cost(utilization=0.3), 2 * cost())
    assert xl_econ.token_cost(**LLAMA, **SMALL, usd_per_gpu_hour=0, gpus=2) == 0


def test_little_s_law_is_a_fixed_point():
    """As many requests are in flight as arrive during the time that one takes."""
    for rate in (0.5, 2.0, 6.0):
        given = {"model": "Llama-3.1/3.3-70B", "gpu": "H100 SXM", "gpus": 4, **SMALL}
        batch = xl_econ.batch_at_load(**given, requests_per_second=rate)
        seconds = 1024 * xl_econ.itl_ms(**given, batch=max(batch, 1)) / 1e3
        assert math.isclose(batch, rate * seconds, rel_tol=1e-9)
    with pytest.raises(NotAvailable, match="more than these accelerators can serve"):
        xl_econ.batch_at_load(**given, requests_per_second=500)


def test_a_row_in_place_of_a_key():
    row = TABLES["model_architectures"].shipped["Llama-3.1/3.3-70B"]
    given = SMALL | {"gpu": "H100 SXM", "usd_per_gpu_hour": 2.5, "gpus": 2}
    wanted = xl_econ.token_cost("Llama-3.1/3.3-70B", **given)
    in_order = [getattr(row, c) for c in TABLES["model_architectures"].columns]
    for form in (row, row.model_dump(), pd.Series(row.model_dump()), in_order, [in_order]):
        assert xl_econ.token_cost(form, **given) == wanted
    assert udf.TOKEN_COST([in_order], "H100 SXM", 2.5, 1024, 1024, 64, 2) == wanted
    smaller = row.model_dump() | {"model": "my own", "params_total_b": 35, "params_active_b": 35, "params_flop_b": 35}
    assert xl_econ.token_cost(smaller, **given) < wanted
    assert explain(get("TOKEN_COST"), given | {"model": smaller})[0].value == "my own"
    with pytest.raises(TableError, match=r"ModelArchitectures.*params_total_b"):
        xl_econ.token_cost(smaller | {"params_total_b": -1}, **given)
    assert udf.TOKEN_COST([[*in_order[:2], -5.0, *in_order[3:]]], "H100 SXM", 2.5, 1024, 1024) == "#VALUE!"


def test_arrays_of_models():
    models = np.array(["Llama-3.1-8B", "Mixtral-8x7B"] * 5000, dtype=object)
    found = xl_econ.token_cost(models, "H200 SXM", 3, 1024, 256)
    assert list(found[:2]) == [xl_econ.token_cost(m, "H200 SXM", 3, 1024, 256) for m in models[:2]]
    with pytest.raises(NotAvailable, match=r"row 2: .*do not fit"):
        xl_econ.token_cost(["Llama-3.1-8B", "DeepSeek-V3"], "H200 SXM", 3, 1024, 256, gpus=1)


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("TOKEN_COST", {"model": "Llama-3.5-70B"}, "did you mean"),
        ("TOKEN_COST", {"precision": "fp9"}, "precisions has no precision 'fp9'"),
        ("TOKEN_COST", {"part": "all"}, "allowed are blended, input"),
        ("TOKEN_COST", {"gpus": 2.5}, "whole number"),
        ("TOKEN_COST", {"input_tokens": 0}, "at least 1"),
        ("TOKEN_COST", {"utilization": 60}, "write 0.6 or 60%"),
        ("TOKEN_COST", {"model": "DeepSeek-V3", "gpus": 1}, "do not fit"),
        ("TOKEN_COST", {"gpu": "TPU v4", "gpus": 4, "model": "Llama-3.1-8B"}, "can only serve alone"),
    ],
)
def test_what_is_refused(name, given, text):
    with pytest.raises(XlEconError, match=text):
        getattr(xl_econ, name.lower())(**LLAMA | SMALL | {"usd_per_gpu_hour": 2.5} | given)


def test_drafted_tokens_meet_experts_of_their_own():
    """Three drafted tokens read the experts of a batch four times as large."""
    given = {"model": "DeepSeek-V3", "gpu": "H200 SXM", "usd_per_gpu_hour": 3, **SMALL, "gpus": 8}

    def met(**more):
        return next(s.value for s in explain(get("TOKEN_COST"), given | more) if s.name == "experts_met")

    assert met(batch=8, draft_tokens=3, accepted_per_step=2.9) == met(batch=32) > met(batch=8)


def test_what_fits_nowhere_is_not_available():
    for call in (
        lambda: xl_econ.gpus_to_fit("DeepSeek-V3", "H100 SXM", 1e7),
        lambda: xl_econ.token_cost("DeepSeek-V3", "H100 SXM", [2, 3], 1e7, 1024),
    ):
        with pytest.raises(NotAvailable, match="fits on no number"):
            call()


@pytest.mark.parametrize(
    ("more", "measured"),
    [
        ("part=blended", True),
        ("part=request", True),
        ("part=input", False),
        ("part=output", False),
        ("gpus=16", False),
        ("draft_tokens=2", False),
        ("gpu=MI300X", False),
    ],
)
def test_every_cost_has_a_band_that_says_whether_it_was_measured(more, measured, capsys):
    words = ["calc", "TOKEN_COST", "model=DeepSeek-V3", "usd_per_gpu_hour=3", "input_tokens=1024", "output_tokens=1024"]
    words += [more] if more.startswith("gpu=") else ["gpu=H200", more]
    assert cli.main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["band"] == {
        "factor": 1.65,
        "low": found["value"] / 1.65,
        "high": found["value"] * 1.65,
        "indicative": False,
        "measured": measured,
    }
    assert cli.main(["calc", *words[1:]]) == 0
    said = capsys.readouterr().err
    assert ("in nine of ten measured deployments" in said) is measured
    assert ("not measured for this: the measurements are of whole requests on 1 to 8 H100" in said) is not measured


def test_the_ends_of_the_band_have_none(capsys):
    for part in ("low", "high"):
        words = ["calc", "TOKEN_COST", "DeepSeek-V3", "H200", "3", "1024", "1024", f"part={part}"]
        assert cli.main([*words, "--json"]) == 0
        assert "band" not in json.loads(capsys.readouterr().out)
        assert cli.main(words) == 0
        assert capsys.readouterr().err == ""


def test_a_row_of_ones_own_was_not_measured():
    row = TABLES["accelerators"].shipped["H100 SXM 80GB"].model_dump() | {"accelerator": "my own", "aliases": None}
    m = get("TOKENS_PER_GPU")
    steps = explain(m, LLAMA | SMALL | {"gpu": row, "gpus": 2})
    assert m.band.around(steps[-1].value, {s.name: s.value for s in steps})["measured"] is False


def test_a_batch_that_is_cut_is_said(capsys):
    assert (
        cli.main(
            ["calc", "TOKEN_COST", "Llama-3.1-405B", "H200", "3", "2000", "500", "batch=512", "precision=fp4", "gpus=2"]
        )
        == 0
    )
    assert "memory holds 7 of the 512 requests on 2 accelerators" in capsys.readouterr().err
