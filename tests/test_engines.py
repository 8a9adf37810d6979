"""Engines: results in order, each once, whatever dies; errors that say what is wrong."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from xl_econ import cli
from xl_econ.core.errors import CellError, DomainError, UsageError
from xl_econ.engines import base, engine
from xl_econ.engines.base import EngineError
from xl_econ.engines.local import Pool
from xl_econ.scenarios import plan as plans
from xl_econ.scenarios import run as sweeps
from xl_econ.scenarios.cases import study

CASE = {
    "inputs": {
        "params_b": 405,
        "tokens_t": {"dist": "uniform", "low": 12, "high": 18},
        "peak_tflops": 989.4,
        "mfu": {"dist": "triangular", "low": 0.2, "mode": 0.38, "high": 0.46},
        "usd_per_gpu_hour": {"dist": "lognormal", "p10": 1.9, "p90": 3.9},
    }
}


def squared(x: int) -> int:
    return x * x


def refused(x: int) -> int:
    if x == 3:
        raise CellError("mfu = #N/A: an error value came in", "#N/A")
    return x


def killed_once(task: tuple[int, str]) -> int:
    """Takes its worker down the first time that it is asked for 5."""
    x, folder = task
    if x == 5:
        with contextlib.suppress(FileExistsError):
            Path(folder, "killed").touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)
    return x * x


def poison(x: int) -> int:
    if x == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def busy(x: int) -> tuple[int, int]:
    time.sleep(0.02)
    return x, os.getpid()


@pytest.fixture(params=["local", "dask"])
def two_workers(request) -> Iterator[base.Engine]:
    with engine(request.param, 2) as found:
        yield found


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory) -> Iterator[str]:
    """A scheduler and two workers of their own, each under a nanny, on loopback."""
    folder = tmp_path_factory.mktemp("dask")
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])}

    def start(*arguments: object) -> subprocess.Popen[bytes]:
        with (folder / "log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", *map(str, arguments)], stderr=log, stdout=log, env=env)

    file = folder / "scheduler.json"
    quiet = ("--no-dashboard", "--scheduler-file", file)
    started = [start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", 0, *quiet)]
    try:
        until = time.monotonic() + 60
        while not file.exists() and time.monotonic() < until:
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"].removeprefix("tcp://")
        options = ("--nthreads", 1, "--host", "127.0.0.1", "--local-directory", folder, "--no-dashboard")
        started += [start("distributed.cli.dask_worker", address, *options) for _ in range(2)]
        from distributed import Client

        with Client(f"tcp://{address}", set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(30)


def test_results_come_in_order_and_each_once(two_workers: base.Engine) -> None:
    assert list(two_workers.run(squared, range(200))) == [x * x for x in range(200)]
    assert list(two_workers.run(squared, [])) == []
    assert (two_workers.workers, two_workers.deaths) == (2, 0)


def test_tasks_are_taken_as_there_is_room(two_workers: base.Engine) -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for n in range(1000):
            taken.append(n)
            yield n

    results = two_workers.run(squared, tasks())
    assert next(results) == 0
    assert len(taken) <= 10
    results.close()


def test_an_error_comes_as_it_was_raised(two_workers: base.Engine) -> None:
    found = []
    with pytest.raises(CellError, match="an error value came in") as e:
        for x in two_workers.run(refused, range(6)):
            found.append(x)  # noqa: PERF402
    assert (found, e.value.cell) == ([0, 1, 2], "#N/A")
    assert list(two_workers.run(squared, [7])) == [49]


def test_a_worker_that_dies_costs_nothing(two_workers: base.Engine, tmp_path: Path) -> None:
    found = list(two_workers.run(killed_once, [(x, str(tmp_path)) for x in range(40)]))
    assert found == [x * x for x in range(40)]
    assert (tmp_path / "killed").exists()
    assert two_workers.deaths == 1 or not isinstance(two_workers, Pool)


@pytest.mark.slow
def test_a_task_that_kills_its_workers_is_named(two_workers: base.Engine, monkeypatch) -> None:
    monkeypatch.setattr("xl_econ.engines.cluster.EMPTY_SECONDS", 8)
    found = []
    # A worker of Dask that dies as soon as it has started is not started again, so that there may be none in the end.
    said = r"at the same task, 5; was there too little memory|lost all of its workers; the task"
    with pytest.raises(EngineError, match=said) as e:
        for x in two_workers.run(poison, range(20)):
            found.append(x)  # noqa: PERF402
    assert found == list(range(len(found)))
    assert e.value.exit_code == 4
    if isinstance(two_workers, Pool):
        assert found == [0, 1, 2, 3, 4]
        assert list(two_workers.run(squared, [7])) == [49]


def test_another_version_of_a_worker_is_refused(monkeypatch) -> None:
    found = base.guarded("0.0.1", squared, 3)
    with pytest.raises(EngineError, match=r"a worker has xl-econ .*, not 0\.0\.1; install the same"):
        base.opened(found)
    assert base.opened(base.guarded(base.version(), squared, 3)) == 9
    failed = base.guarded(base.version(), _fails, 3)
    with pytest.raises(DomainError, match="too large"):
        base.opened(failed)


def _fails(_: int) -> int:
    raise DomainError("too large")


def test_an_engine_that_is_none_is_refused() -> None:
    for name, said in [
        ("ray", "no engine 'ray'; there are local, dask"),
        ("dsk", "did you mean 'dask'"),
        ("dask://here", "expected dask://host:port"),
        ("dask://here:x", "expected dask://host:port"),
    ]:
        with pytest.raises(UsageError, match=said):
            engine(name)
    with pytest.raises(UsageError, match="must be at least 1"):
        engine("local", 0)


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer_is_one_line(monkeypatch) -> None:
    monkeypatch.setattr("xl_econ.engines.cluster.CONNECT_SECONDS", 1)
    with (
        pytest.raises(EngineError, match=r"no Dask scheduler answers at 127\.0\.0\.1:1 "),
        engine("dask://127.0.0.1:1"),
    ):
        pass


# -- with a scheduler of its own --------------------------------------------------------------------------------
def swept(plan: plans.Plan, name: str, kill: bool = False) -> tuple[dict[str, object], int]:
    with engine(name, 2) as where:
        if kill:
            pid = next(iter(where.run(busy, [0])))[1]
        seen = 0

        def on_part(_gathered: object) -> None:
            nonlocal seen
            seen += 1
            if kill and seen == 10:
                os.kill(pid, signal.SIGKILL)

        return sweeps.run(plan, where, chunk=1, on_part=on_part).as_json(), where.deaths


@pytest.mark.slow
def test_a_worker_killed_in_a_sweep_changes_no_bit(scheduler: str) -> None:
    plan = plans.plan(study(CASE, "train_cost"), 150 * 8192 + 3, 7, budgets=[1e8])
    undisturbed, deaths = swept(plan, "local")
    assert deaths == 0
    assert swept(plan, f"dask://{scheduler}", kill=True)[0] == undisturbed
    found, deaths = swept(plan, "local", kill=True)
    assert found == undisturbed
    assert deaths >= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["local", "dask"])
def test_a_worker_killed_in_a_fill_changes_no_workbook(name: str, scheduler: str, tmp_path: Path, monkeypatch) -> None:
    from xl_econ.templates import fill, layout, many

    count = int(os.environ.get("XL_ECON_FILLS", "120"))
    cases = tmp_path / "cases.csv"
    cases.write_text("name,mfu\n" + "".join(f"c{n},{0.3 + n / 10_000}\n" for n in range(count)))
    template = layout.load("training_budget")
    run = many.Run(template)

    def filled(folder: Path, where: base.Engine | None, kill: int = 0) -> list[object]:
        reports = []
        tasks = run.prepare(fill.read(cases, template), folder)
        for n, report in enumerate(run.write(tasks, where)):
            reports.append(report | {"output": Path(str(report["output"])).name})
            if kill and n == count // 4:
                os.kill(kill, signal.SIGKILL)
        return reports

    undisturbed = filled(tmp_path / "a", None)
    with engine(name if name == "local" else f"dask://{scheduler}", 2) as where:
        pid = next(iter(where.run(busy, [0])))[1]
        assert filled(tmp_path / "b", where, pid) == undisturbed
    files = sorted((tmp_path / "a").iterdir())
    assert len(files) == count
    assert [p.name for p in sorted((tmp_path / "b").iterdir())] == [p.name for p in files]
    assert all(p.read_bytes() == (tmp_path / "b" / p.name).read_bytes() for p in files)


@pytest.mark.slow
def test_a_mass_audit_finds_the_same_wherever_it_runs(scheduler: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["new", "training_budget", "-o", "a.xlsx"]) == 0
    assert cli.main(["fill", "training_budget", "--set", "mfu=0.9", "-o", "b.xlsx"]) == 0
    capsys.readouterr()
    argv = ["audit", "a.xlsx", "b.xlsx", "--fail-on", "info", "--json"]
    found = []
    for options in ([], ["--workers", "2"], ["--engine", f"dask://{scheduler}"]):
        cli.main([*argv, *options])
        found.append(capsys.readouterr().out)
    assert found[0] == found[1] == found[2]
    assert json.loads(found[0])["files"] == ["a.xlsx", "b.xlsx"]
    (tmp_path / "b.xlsx").write_text("no workbook")
    errors = []
    for options in ([], ["--workers", "2"], ["--engine", f"dask://{scheduler}"]):
        assert cli.main([*argv, *options]) == 4
        errors.append(capsys.readouterr().err)
    assert errors[0] == errors[1] == errors[2]
    assert str(tmp_path) not in errors[0]


@pytest.mark.slow
def test_fill_and_sweep_reach_a_scheduler_from_the_command_line(scheduler: str, tmp_path: Path, capsys) -> None:
    cases = tmp_path / "cases.csv"
    cases.write_text("name,mfu\n" + "".join(f"c{n},{0.3 + n / 100}\n" for n in range(5)))
    base_argv = ["fill", "training_budget", "-i", str(cases), "--json", "-o", str(tmp_path / "a")]
    assert cli.main(base_argv) == 0
    here = capsys.readouterr().out
    assert cli.main([*base_argv, "--engine", f"dask://{scheduler}"]) == 0
    assert capsys.readouterr().out == here
    case = tmp_path / "case.json"
    case.write_text(json.dumps(CASE))
    argv = ["sweep", "train_cost", "--cases", str(case), "-n", "30000", "--json"]
    assert cli.main(argv) == 0
    here = capsys.readouterr().out
    assert cli.main([*argv, "--engine", f"dask://{scheduler}"]) == 0
    assert capsys.readouterr().out == here


@pytest.mark.slow
def test_workers_of_a_cluster_here_leave_ctrl_c_to_the_one_that_started_them() -> None:
    with engine("dask", 2) as where:
        held_back = where.client.run(lambda: signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))
    assert list(held_back.values()) == [True, True]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.slow
def test_ctrl_c_ends_a_pool_with_a_state_and_130(tmp_path: Path) -> None:
    case = tmp_path / "case.json"
    case.write_text(json.dumps(CASE))
    state = tmp_path / "state.json"
    argv = ["sweep", "train_cost", "--cases", str(case), "-n", "1e9", "--workers", "2", "--state", str(state)]
    started = subprocess.Popen(
        [sys.executable, "-m", "xl_econ.cli", *argv], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    time.sleep(6)
    os.killpg(started.pid, signal.SIGINT)  # as a terminal does: to all of its processes
    _, err = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "--resume goes on from there" in err
    assert "Traceback" not in err
    assert json.loads(state.read_text())["stop"] > 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["case.json", "state.json"]
