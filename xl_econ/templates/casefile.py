"""A case as a file that `fill` reads: TOML, JSON or CSV, every number with all its digits."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xl_econ.core.errors import UsageError

from .fill import TEXTS, Case
from .layout import CASES

FORMATS = (".toml", ".json", ".csv")


def content(case: Case, template: str) -> dict[str, Any]:
    """A case as keys and values: the base case under `inputs`, the others where they differ from it."""
    base = dict(case.values["Base"])
    others = {
        name: {k: v for k, v in case.values[name].items() if v != base.get(k)} for name in CASES if name != "Base"
    }
    found: dict[str, Any] = {"template": template, "name": case.name, "case": case.selected}
    found |= {key: case.texts[key] for key in TEXTS if case.texts.get(key)}
    found["inputs"] = base
    found["cases"] = {name: values for name, values in others.items() if values}
    found["sources"] = {
        key: {k: v for k, v in origin.model_dump().items() if v or k == "source"}
        for key, origin in case.origins.items()
    }
    return found


def text(case: Case, template: str, ending: str = ".toml") -> str:
    """The text of a case file.

    Raises:
        UsageError: No such format.
    """
    found = content(case, template)
    match ending:
        case ".toml":
            return _toml(found)
        case ".json":
            return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        case ".csv":
            return _csv(found)
    raise UsageError(f"{ending or 'no ending'}: a case file can be {', '.join(FORMATS)}")


def _toml(found: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_toml_value(v)}" for key, v in found.items() if not isinstance(v, dict)]
    lines += ["", "[inputs]", *_pairs(found["inputs"])]
    for name, values in found["cases"].items():
        lines += ["", f"[cases.{name}]", *_pairs(values)]
    for key, origin in found["sources"].items():
        lines += ["", f"[sources.{key}]", *_pairs(origin)]
    return "\n".join(lines) + "\n"


def _pairs(values: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_toml_value(v)}" for key, v in values.items()]


def _toml_value(value: Any) -> str:
    if isinstance(value, str):  # a JSON text is one of TOML, but for one character
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(float(value))


def _csv(found: Mapping[str, Any]) -> str:
    """Written downwards, a key and its value a line; a Low case's are `Low.mfu`."""
    rows = [(key, v) for key, v in found.items() if not isinstance(v, dict)]
    rows += found["inputs"].items()
    rows += [(f"{name}.{key}", v) for name, values in found["cases"].items() for key, v in values.items()]
    rows += [(f"sources.{key}.{k}", v) for key, o in found["sources"].items() for k, v in o.items()]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        [("key", "value"), *((k, repr(v) if isinstance(v, float) else v) for k, v in rows)]
    )
    return out.getvalue()


def write(path: Path, case: Case, template: str) -> None:
    """Write a case file, whole or not at all.

    Raises:
        UsageError: No such format.
    """
    body = text(case, template, path.suffix.casefold())
    beside = path.with_name(f".{path.name}.tmp")
    try:
        beside.write_text(body, encoding="utf-8", newline="\n")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
