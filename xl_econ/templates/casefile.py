"""A case as a file that `fill` reads: TOML, JSON or CSV, every number with all its digits."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from xl_econ.core.errors import UsageError
from xl_econ.core.place import whole

from .fill import TEXTS, Case
from .layout import CASES
from .together import rows

FORMATS = (".toml", ".json", ".csv")


def content(case: Case, template: str) -> dict[str, Any]:
    """A case as keys and values: the base case under `inputs`, the others where they differ from it."""
    first = case.values[case.cases[0]]
    # A workbook's own cases are equals; of the template's three, the base case is what the others differ from.
    equals = case.cases != CASES
    base = {k: v for k, v in first.items() if not equals or all(case.values[c].get(k) == v for c in case.cases)}
    others = {name: {k: v for k, v in case.values[name].items() if v != base.get(k)} for name in case.cases}
    found: dict[str, Any] = {"template": template, "name": case.name, "case": case.selected}
    found |= {key: case.texts[key] for key in TEXTS if case.texts.get(key)}
    found["inputs"] = base
    found["cases"] = {name: values for name, values in others.items() if values or equals}
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
            return _csv_rows(case, found) if case.cases != CASES else _csv(found)
    raise UsageError(f"{ending or 'no ending'}: a case file can be {', '.join(FORMATS)}")


def _toml(found: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_toml_value(v)}" for key, v in found.items() if not isinstance(v, dict)]
    lines += ["", "[inputs]", *_pairs(found["inputs"])]
    for name, values in found["cases"].items():
        lines += ["", f"[cases.{_toml_key(name)}]", *_pairs(values)]
    for key, origin in found["sources"].items():
        lines += ["", f"[sources.{key}]", *_pairs(origin)]
    return "\n".join(lines) + "\n"


def _pairs(values: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_toml_value(v)}" for key, v in values.items()]


def _toml_value(value: Any) -> str:
    if isinstance(value, str):  # a JSON text is one of TOML, but for one character
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(float(value))


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml_value(name)


def _csv_rows(case: Case, found: Mapping[str, Any]) -> str:
    """A row a case; what is said of all of them, in every row."""
    said = {k: v for k, v in found.items() if not isinstance(v, dict) and k != "name"}
    said |= {f"sources.{key}.{k}": v for key, o in found["sources"].items() for k, v in o.items()}
    return _written(rows(case, said))


def _csv(found: Mapping[str, Any]) -> str:
    """Written downwards, a key and its value a line; a Low case's are `Low.mfu`."""
    lines = [(key, v) for key, v in found.items() if not isinstance(v, dict)]
    lines += found["inputs"].items()
    lines += [(f"{name}.{key}", v) for name, values in found["cases"].items() for key, v in values.items()]
    lines += [(f"sources.{key}.{k}", v) for key, o in found["sources"].items() for k, v in o.items()]
    return _written([("key", "value"), *lines])


def _written(rows: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([repr(v) if isinstance(v, float) else v for v in r] for r in rows)
    return out.getvalue()


def write(path: Path, case: Case, template: str) -> None:
    """Write a case file, whole or not at all.

    Raises:
        UsageError: No such format.
    """
    body = text(case, template, path.suffix.casefold())
    with whole(path) as beside:
        beside.write_text(body, encoding="utf-8", newline="\n")
