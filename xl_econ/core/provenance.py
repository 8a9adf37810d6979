"""What a workbook says of a figure that nobody has given a source for, and how to know it again."""

from __future__ import annotations

UNSOURCED = "Given without a source"  # and perhaps where


def is_unsourced(text: str) -> bool:
    """Whether a source cell says that there is none."""
    return text.casefold().startswith(UNSOURCED.casefold())
