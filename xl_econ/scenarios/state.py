"""The state of a sweep that is not done, as a file: what an interrupted sweep goes on from."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from xl_econ import __version__
from xl_econ.core.errors import InputError
from xl_econ.core.place import whole

from .plan import Plan
from .run import Gathered
from .sketch import Sketch


def save(path: Path, gathered: Gathered) -> None:
    """Write a state, whole or not at all."""
    held = {
        "xl_econ_sweep": digest(gathered.plan),
        "stop": gathered.stop,
        "convergence": gathered.convergence,
        "sketches": {key: _plain(s) for key, s in gathered.sketches.items()},
        "values": {key: _text(v[: gathered.done]) for key, v in gathered.values.items()},
    }
    with whole(path) as beside:
        beside.write_text(json.dumps(held), encoding="utf-8")


def load(path: Path, plan: Plan) -> Gathered:
    """The state of a sweep.

    Raises:
        InputError: It is none, or one of another sweep.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        same = held["xl_econ_sweep"] == digest(plan)
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path}: is not the state of a sweep") from None
    if not same:
        raise InputError(
            f"{path}: is the state of another sweep (case, n, seed, method, budgets, --draws or version differ)"
        )
    found = Gathered.nothing(plan)
    found.stop, found.convergence = held["stop"], held["convergence"]
    found.sketches = {key: _sketch(s, found.sketches[key]) for key, s in held["sketches"].items()}
    for key, text in held["values"].items():
        found.values[key][: found.done] = np.frombuffer(base64.b64decode(text))
    return found


def digest(plan: Plan) -> str:
    """What tells one sweep from another."""
    return hashlib.sha256(f"{__version__} {np.__version__} {plan!r}".encode()).hexdigest()


def _plain(s: Sketch) -> dict[str, Any]:
    pages = {str(number): page.tolist() for number, page in s.pages.items()}
    sums = [hex(x) for x in s.sums]
    return {
        "n": s.n,
        "without": s.without,
        "low": s.low,
        "high": s.high,
        "above": s.above,
        "sums": sums,
        "pages": pages,
    }


def _sketch(held: dict[str, Any], like: Sketch) -> Sketch:
    pages = {int(number): np.array(page, dtype=np.int64) for number, page in held["pages"].items()}
    sums = [int(x, 16) for x in held["sums"]]
    same = {k: held[k] for k in ("n", "without", "low", "high", "above")}
    return Sketch(like.budgets, sums=sums, pages=pages, binned=like.binned, **same)


def _text(values: Any) -> str:
    return base64.b64encode(values.tobytes()).decode()
