"""What a check found: how bad it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

OK, NOTE, WARNING, PROBLEM = "ok", "note", "warning", "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        level: ok, note, warning, or problem (the add-in does not work until it is remedied).
        topic: What it is about: excel, policy, folders...
        text: What is so.
        remedy: What to do; nothing if all is well.
    """

    level: str
    topic: str
    text: str
    remedy: str = ""

    @classmethod
    def ok(cls, topic: str, text: str) -> Finding:
        return cls(OK, topic, text)

    @classmethod
    def note(cls, topic: str, text: str, remedy: str = "") -> Finding:
        return cls(NOTE, topic, text, remedy)

    @classmethod
    def warning(cls, topic: str, text: str, remedy: str) -> Finding:
        return cls(WARNING, topic, text, remedy)

    @classmethod
    def problem(cls, topic: str, text: str, remedy: str) -> Finding:
        return cls(PROBLEM, topic, text, remedy)
