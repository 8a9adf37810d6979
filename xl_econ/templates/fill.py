"""Cases that fill a template: read from TOML, YAML, JSON or CSV, checked against the template's inputs, and built."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from xl_econ.core.errors import InputError, UsageError, nearest
from xl_econ.core.provenance import UNSOURCED
from xl_econ.core.quantity import number_from_text
from xl_econ.workbook.cell import unstorable

from .layout import CASES, Layout, Origin
from .model import Model

TEXTS = ("purpose", "owner")
_ORIGIN = ("source", "as_of", "grade")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_LISTED = 10  # names in an error
FORMATS = (".toml", ".yaml", ".yml", ".json", ".csv")
MOST_VALUES = 100_000  # in a file; YAML can write more with a few repetitions of repetitions
_DEEPEST = 20
_REPEATED, _NESTED = "it stands for more values than a case can have", "it is nested too deeply"


@dataclass(frozen=True)
class Case:
    """What fills one workbook: values by case and key, the live case, and the texts of the cover."""

    name: str
    selected: str = "Base"
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    chosen: bool = False  # whether the live case was said, and is not what it is by default
    cases: tuple[str, ...] = CASES  # what they are called, in the order of their columns
    where: str = ""  # the file, and the line of its row


def read(path: Path, layout: Layout, named: bool = False, cases: tuple[str, ...] = CASES) -> list[Case]:
    """The cases of a file: one of a TOML, YAML or JSON file, one a row of a CSV file.

    Args:
        path: The file.
        layout: The template.
        named: The file names the cases of one workbook, in place of the template's own.
        cases: What the cases of the workbook are called.

    Raises:
        InputError: Unreadable or malformed file, an unknown key, a template of another name; says where.
    """
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise InputError(f"{path}: not a case file; it can be {', '.join(FORMATS)}")
    text = _text(path)
    if kind != ".csv":
        found = _parse(text, kind, path)
        own = tuple(map(str, mapping(found.get("cases"), f"{path.name}: cases"))) if named else cases
        return [_case(found, layout, path.name, path.stem, own or cases, own or cases)]
    rows = _rows(text, path)
    down = [line for line, *_ in rows] == [1]  # one case written downwards
    if named and down:
        own = tuple(rows[0][2]["cases"]) or cases
        return [_case(rows[0][2], layout, path.name, path.stem, own, own)]
    live = tuple(name for _, name, _ in rows) if named else cases
    found_in = path.name if named else ""
    return [_case(row, layout, f"{path.name}, line {line}", name, cases, live, found_in) for line, name, row in rows]


def read_mapping(path: Path) -> Mapping[str, Any]:
    """The keys and values of a TOML, YAML or JSON file, unchecked but for its form.

    Raises:
        InputError: Unreadable or malformed.
    """
    return _parse(_text(path), path.suffix.lower(), path)


def read_flat(path: Path) -> Mapping[str, Any]:
    """The same of a CSV file with one case: a row, or written downwards.

    Raises:
        InputError: Unreadable, malformed, or several cases.
    """
    rows = _rows(_text(path), path)
    if len(rows) > 1:
        raise InputError(f"{path}: holds {len(rows)} cases, and one is needed")
    return rows[0][2]


def read_rows(path: Path) -> list[tuple[int, list[str]]]:
    """The lines of a CSV file under one header, with their numbers, the header first.

    Raises:
        InputError: Unreadable or malformed.
    """
    return _lines(_text(path), path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        reason = "it is not UTF-8; save it as UTF-8" if isinstance(e, UnicodeDecodeError) else e.strerror
        raise InputError(f"{path}: cannot be read: {reason}") from None


def _parse(text: str, kind: str, path: Path) -> Mapping[str, Any]:
    try:
        if kind == ".toml":
            found: Any = tomllib.loads(text)
        elif kind == ".json":
            found = json.loads(text, parse_constant=float, object_pairs_hook=_unique)
        else:
            found = _yaml(text)
        _refuse_bombs(found)
    except ValueError as e:
        raise InputError(f"{path}: malformed: {_one_line(e)}") from None
    except RecursionError:
        raise InputError(f"{path}: malformed: {_NESTED}") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: malformed: the file must hold keys and values")
    return found


def _refuse_bombs(found: Any) -> None:
    """Refuse what is small as a file and endless for whoever reads it, as an error that shows a value."""
    left, seen = [(found, 0)], 0
    while left:
        value, depth = left.pop()
        seen += 1
        if seen > MOST_VALUES:
            raise ValueError(_REPEATED)
        if depth > _DEEPEST:
            raise ValueError(_NESTED)
        held = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        left += [(v, depth + 1) for v in held] if isinstance(held, list) else []


def _unique(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """A mapping whose keys stand there once; a second one would silently win."""
    found: dict[Any, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands there twice")
        found[key] = value
    return found


def _yaml(text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Safe, and refusing a key that stands there twice."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            return _unique([(self.construct_object(k, deep), self.construct_object(v, True)) for k, v in node.value])

    Loader.add_constructor("tag:yaml.org,2002:map", Loader.construct_mapping)
    try:
        return yaml.load(text, Loader)  # noqa: S506  (derived from the safe loader)
    except yaml.YAMLError as e:
        raise ValueError(_one_line(e).replace('in "<unicode string>", ', "")) from None


def _one_line(e: Exception) -> str:
    return " ".join(str(e).split())


def _lines(text: str, path: Path) -> list[tuple[int, list[str]]]:
    """CSV lines with their numbers: a header and rows under it."""
    try:
        lines = [(n, line) for n, line in enumerate(csv.reader(io.StringIO(text), strict=True), 1) if line]
    except csv.Error as e:
        raise InputError(f"{path}: malformed: {e}") from None
    if len(lines) < 2:
        raise InputError(f"{path}: malformed: there is no row under the header" if lines else f"{path}: is empty")
    header = [h.strip() for h in lines[0][1]]
    for separator in (";", "\t"):
        if len(header) == 1 and separator in header[0]:
            raise InputError(f"{path}: the separator is {separator!r}; it must be a comma, with a decimal point")
    for name in header:
        if header.count(name) > 1 or not name:
            what = f"the column {name!r} stands there twice" if name else "a column has no name"
            raise InputError(f"{path}: {what}")
    for number, line in lines[1:]:
        if len(line) != len(header):
            raise InputError(f"{path}, line {number}: {len(line)} cells under {len(header)} columns")
    return [(lines[0][0], header), *lines[1:]]


def _rows(text: str, path: Path) -> list[tuple[int, str, Mapping[str, Any]]]:
    """CSV rows with their line and name; a file headed `key,value` is one case written downwards."""
    lines = _lines(text, path)
    header = lines[0][1]
    if [h.casefold() for h in header] == ["key", "value"]:
        pairs = [(k.strip(), v) for _, (k, v) in lines[1:]]
        try:
            return [(1, path.stem, _flat(_unique(pairs)))]
        except ValueError as e:
            raise InputError(f"{path}: {e}") from None
    named = [(n, dict(zip(header, line, strict=True))) for n, line in lines[1:]]
    return [(n, row.pop("name", "") or f"{path.stem}-{n}", _flat(row)) for n, row in named]


def _flat(row: Mapping[str, str]) -> dict[str, Any]:
    """A flat row as the structure of the other formats; `Low.mfu` is the Low case's, an empty cell says nothing."""
    out: dict[str, Any] = {"inputs": {}, "cases": {}}
    for key, value in row.items():
        case, _, rest = key.rpartition(".")
        if not value.strip():
            continue
        if key.startswith("sources."):
            of, _, what = key.removeprefix("sources.").rpartition(".")
            out.setdefault("sources", {}).setdefault(of, {})[what] = value
        elif case:
            out["cases"].setdefault(case, {})[rest] = value
        else:
            (out if key in ("template", "name", "case", *_ORIGIN, *TEXTS) else out["inputs"])[key] = value
    return out


def _case(
    found: Mapping[str, Any],
    layout: Layout,
    where: str,
    name: str,
    cases: tuple[str, ...],
    live: tuple[str, ...],
    file: str = "",
) -> Case:
    """A case from its mapping, every key known and every value of the kind that its input takes."""
    _storable(found, where)
    allowed = ("template", "name", "case", "inputs", "cases", "sources", *_ORIGIN, *TEXTS)
    for key in found:
        if key not in allowed:
            hint = nearest(key, allowed) or (" (put it under [inputs])" if key in layout.by_key else "")
            raise InputError(f"{where}: unknown key {key!r}{hint}")
    if found.get("template", layout.name) != layout.name:
        raise InputError(f"{where}: is a case of the template {found['template']!r}, not of {layout.name!r}")
    inputs = mapping(found.get("inputs"), f"{where}: inputs")
    texts = {k: v for k, v in {**found, **inputs}.items() if k in TEXTS}
    for key, text in texts.items():
        if not isinstance(text, str):
            raise InputError(f"{where}: {key} = {text!r}: expected a text")
    own = {k: v for k, v in inputs.items() if k not in TEXTS}
    # A value given for all cases stands in each: the template's own Low beside a given Base would mislead.
    shared = _checked(own, layout, f"{where}: inputs")
    values: dict[str, dict[str, Any]] = {case: dict(shared) for case in cases}
    for case, extra in mapping(found.get("cases"), f"{where}: cases").items():
        values[_case_name(case, where, cases)] |= _checked(
            mapping(extra, f"{where}: cases.{case}"), layout, f"{where}: {case}"
        )
    selected = _case_name(found.get("case", live[0]), where, live)
    if not any(values.values()):
        raise InputError(f"{where}: gives no input; put them under [inputs]")
    keys = {key for given in values.values() for key in given}
    origins = _origins(found, keys, layout, file or where)
    return Case(str(found.get("name", name)), selected, values, texts, origins, "case" in found, cases, where)


def _origins(found: Mapping[str, Any], keys: set[str], layout: Layout, where: str) -> dict[str, Origin]:
    """The origin of every given input: its own under `sources`, else what the file says of all, else the file."""
    overall = {k: str(found[k]) for k in _ORIGIN if found.get(k)}
    own = mapping(found.get("sources"), f"{where}: sources")
    for key in own:
        if key not in layout.by_key:
            raise InputError(f"{where}: sources: unknown input {key!r}{nearest(key, layout.by_key)}")
    origins = {}
    for key in keys:
        said = own.get(key, {})
        said = {"source": said} if isinstance(said, str) else {k: str(v) for k, v in mapping(said, where).items()}
        try:
            origins[key] = Origin.model_validate({"source": f"{UNSOURCED} in {where}"} | overall | said)
        except ValidationError as e:
            first = e.errors()[0]
            raise InputError(f"{where}: source of {key}: {first['loc'][0]}: {first['msg'].lower()}") from None
    return origins


def _storable(found: Any, where: str) -> None:
    """Refuse a text, wherever it stands, that a cell cannot hold."""
    if isinstance(found, str) and (reason := unstorable(found)):
        raise InputError(f"{where}: {reason}")
    if isinstance(found, list):
        for value in found:
            _storable(value, where)
    if isinstance(found, dict):
        for key, value in found.items():
            _storable(key, f"{where}: a key")
            _storable(value, f"{where}: {key}")


def mapping(found: Any, where: str) -> Mapping[str, Any]:
    """A table of a case file; one that is left out is empty.

    Raises:
        InputError: Something else.
    """
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise InputError(f"{where}: expected keys and values")
    return found


def _case_name(case: Any, where: str, cases: tuple[str, ...]) -> str:
    for known in cases:
        if str(case).casefold() == known.casefold():
            return known
    listed = ", ".join(cases[:_LISTED]) + (f" and {len(cases) - _LISTED} more" if len(cases) > _LISTED else "")
    raise InputError(f"{where}: no case {case!r}; there are {listed}{nearest(str(case), cases)}")


def _checked(values: Mapping[str, Any], layout: Layout, where: str) -> dict[str, Any]:
    for key in values:
        if key not in layout.by_key:
            raise InputError(f"{where}: unknown input {key!r}{nearest(key, layout.by_key)}")
    return {k: number_from_text(v) if isinstance(v, str) and not _is_text(layout, k) else v for k, v in values.items()}


def _is_text(layout: Layout, key: str) -> bool:
    return layout.by_key[key].kind.is_text


def with_settings(case: Case, settings: Sequence[str], layout: Layout) -> Case:
    """A case with `key=value` settings on top: `mfu=0.41` for every case, `Low.mfu=0.43` for one.

    Raises:
        InputError: A setting without `=`, an unknown key or case.
    """
    values = {c: dict(case.values.get(c, {})) for c in case.cases}
    texts, origins = dict(case.texts), dict(case.origins)
    selected, chosen = case.selected, case.chosen
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting}: expected key=value")
        _storable(text, f"--set {name.strip()}")
        of, _, key = name.strip().rpartition(".")
        if key in TEXTS:
            texts[key] = text
        elif key == "case":
            selected, chosen = _case_name(text, "--set", case.cases), True
        else:
            checked = _checked({key: text}, layout, "--set")
            for c in [_case_name(of, "--set", case.cases)] if of else case.cases:
                values[c] |= checked
            origins[key] = Origin(source=f"{UNSOURCED} on the command line")
    return replace(case, selected=selected, values=values, texts=texts, origins=origins, chosen=chosen)


def model(layout: Layout, case: Case, where: str = "") -> Model:
    """The template with a case in it.

    Raises:
        InputError: A value that its input cannot take, or a combination without a result.
    """
    try:
        return Model(layout, case.selected, case.values, case.origins, case.cases)
    except (InputError, LookupError) as e:
        raise InputError(f"{where}: {e}" if where else str(e)) from None


def file_name(case: Case, ending: str = ".xlsx") -> str:
    """A file name for a case, whatever its name holds."""
    stem = re.sub(r"[^\w.-]+", "_", case.name).strip("._") or "case"
    # Windows keeps these names for devices, whatever ending they have.
    return (f"_{stem}" if _DEVICE.match(stem) else stem) + ending
