"""What every command prints with: JSON, columns, figures as they are read on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xl_econ.engines.base import Engine


def print_json(found: Any) -> int:
    """Print an object as JSON; gives the exit code, which is 0."""
    import json

    print(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
    return 0


def on_screen(widest: int) -> int:
    """The widest a cell may be: cut for a person's terminal, whole for a file or a pipe."""
    return widest if sys.stdout.isatty() else sys.maxsize


def print_grid(rows: Sequence[Sequence[Any]], widest: int = 60) -> None:
    """Print rows in columns."""
    print("\n".join(in_columns(rows, widest)))


def in_columns(rows: Sequence[Sequence[Any]], widest: int = 60) -> list[str]:
    """Rows in columns; numbers to the right."""
    texts = [[_text(c, widest) for c in row] for row in rows]
    widths = [max(len(row[n]) for row in texts) for n in range(len(texts[0]))]
    lines = []
    for row, line in zip(rows, texts, strict=True):
        cells = (t.rjust(w) if isinstance(v, float) else t.ljust(w) for v, t, w in zip(row, line, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
    return lines


def _text(value: Any, widest: int) -> str:
    if value is None:
        return ""
    text = f"{value:,.10g}" if isinstance(value, float) and abs(value) < 1e15 else str(value)
    return text if len(text) <= widest else text[: widest - 3] + "..."


def number(value: Any) -> Any:
    """A value as `calc` prints it: six decimals at most, the very small and large and the text as they are."""
    if isinstance(value, float) and 1e-3 < abs(value) < 1e15:
        return f"{value:,.6f}".rstrip("0").rstrip(".")
    return value


def rounded(value: Any) -> Any:
    """A result as it is read on a terminal, a text as it is; the workbook and --json hold all digits."""
    if isinstance(value, str):
        return value
    return round(value) * 1.0 if abs(value) >= 1000 else float(f"{value:.4g}")


def progress(items: Iterable[Any], count: int) -> Any:
    """A progress bar on a terminal, for work on more than one workbook."""
    if count < 2 or not sys.stderr.isatty():
        return items
    return bar(items, total=count, unit="workbook")


def bar(items: Iterable[Any] | None = None, **options: Any) -> Any:
    """A progress bar, which shows on a terminal and nowhere else."""
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # its watching thread would be copied into the processes of a pool
    return tqdm(items, file=sys.stderr, leave=False, disable=not sys.stderr.isatty(), **options)


def tell_deaths(engine: Engine) -> None:
    """Say that workers were lost, and that nothing else was."""
    if engine.deaths:
        lost = "a worker was" if engine.deaths == 1 else f"{engine.deaths} workers were"
        remark(f"{lost} lost; the work was done again, and nothing is missing or counted twice")


_COLOURS = {"error": "1;31", "warning": "33", "info": "36", "quiet": "2", "good": "32"}


def coloured(text: str, kind: str) -> str:
    """A text in the colour of its kind; plain where nobody looks, or wants none (https://no-color.org)."""
    import os

    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return text if plain else f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m"


def remark(text: str) -> None:
    """What a person should know beside a result: not on the stream that a script reads."""
    print(text, file=sys.stderr)
