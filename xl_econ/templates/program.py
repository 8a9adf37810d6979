"""Traced expressions as one straight Python function, which computes a row of values many times faster than the trees.

The operations and their order are those of `core.ops.evaluate`, so every value is the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from xl_econ.core.expr import Expr, leaves
from xl_econ.core.ops import evaluate, scalar_function

_INFIX = {"+": "+", "-": "-", "*": "*", "/": "/", "^": "**"} | {
    "<": "<", "<=": "<=", ">": ">", ">=": ">=", "=": "==", "<>": "!=",
}  # fmt: skip
_DEEPEST = 40  # operations in one line; Python's own parser has a limit

Program = Callable[[Mapping[str, Any]], tuple[Any, ...]]


def program(lines: Sequence[tuple[str, Expr]], inputs: Sequence[str]) -> Program:
    """One function of the inputs that computes all lines.

    Args:
        lines: Name and tree of each line; a tree may read the inputs and the lines before it by name.
        inputs: Names of the inputs.

    Returns:
        Takes the inputs by name, gives the values of the lines in their order.
    """
    return _Writer(lines, inputs).made()


def read(roots: Iterable[Expr]) -> list[str]:
    """The names that trees read."""
    return sorted({e.args[0] for root in roots for e in leaves(root) if isinstance(e, Expr) and e.op == "var"})


class _Writer:
    def __init__(self, lines: Sequence[tuple[str, Expr]], inputs: Sequence[str]) -> None:
        # Names of the generated function are numbered: no name of a template becomes code.
        self._names = {key: f"i{n}" for n, key in enumerate(inputs)}
        self._known: dict[int, str] = {}
        self._kept = [root for _, root in lines]  # so that no id is given twice
        self._held: dict[str, Any] = {"evaluate": evaluate}
        self._body = [f" {local} = given[{key!r}]" for key, local in self._names.items()]
        results = []
        for n, (key, root) in enumerate(lines):
            self._hoist(root)
            text = self._text(root, 0, top=True)
            self._body.append(f" v{n} = {text}")
            self._known[id(root)] = self._names[key] = f"v{n}"
            results.append(f"v{n}")
        self._body.append(f" return ({''.join(f'{r}, ' for r in results)})")

    def made(self) -> Program:
        source = "def computed(given):\n" + "\n".join(self._body)
        exec(compile(source, "<template>", "exec"), self._held)  # noqa: S102  (of numbered names and known operators)
        found: Program = self._held["computed"]
        return found

    def _hoist(self, root: Expr) -> None:
        """What a tree certainly computes and uses more than once gets a line of its own before it."""
        uses: dict[int, int] = {}
        sure: set[int] = set()
        order: list[Expr] = []

        def visit(e: Any, certain: bool) -> None:
            if not isinstance(e, Expr) or e.op == "var" or id(e) in self._known:
                return
            uses[id(e)] = uses.get(id(e), 0) + 1
            if uses[id(e)] > 1 and (id(e) in sure or not certain):
                return
            picks = e.op in ("if", "choose")
            for n, a in enumerate(e.args):
                visit(a, certain and not (picks and n))
            if certain and id(e) not in sure:
                sure.add(id(e))
                order.append(e)

        visit(root, True)
        for e in order:
            if uses[id(e)] > 1:
                name = f"c{len(self._known)}"
                self._body.append(f" {name} = {self._text(e, 0, top=True)}")
                self._known[id(e)] = name

    def _hold(self, what: Any) -> str:
        name = f"k{len(self._held)}"
        self._held[name] = what
        return name

    def _text(self, e: Any, depth: int, top: bool = False) -> str:
        if not isinstance(e, Expr):
            return self._hold(e)
        if not top and id(e) in self._known:
            return self._known[id(e)]
        if e.op == "var":
            return self._names[e.args[0]]
        if depth > _DEEPEST:
            return self._by_tree(e)
        below = depth + 1
        if e.op == "if":
            condition, yes, no = (self._text(a, below) for a in e.args)
            return f"({yes} if {condition} else {no})"
        if e.op == "neg":
            return f"(-{self._text(e.args[0], below)})"
        if e.op in _INFIX:
            left, right = (self._text(a, below) for a in e.args)
            return f"({left} {_INFIX[e.op]} {right})"
        if (function := scalar_function(e.op)) is not None:
            return f"{self._hold(function)}({', '.join(self._text(a, below) for a in e.args)})"
        if e.op not in ("choose", "lookup_or"):  # of a table
            method = getattr(e.args[0], e.op)
            return f"{self._hold(method)}({', '.join(self._text(a, below) for a in e.args[1:])})"
        return self._by_tree(e)

    def _by_tree(self, e: Expr) -> str:
        """What has no short form, because it picks what to compute, is evaluated as a tree."""
        given = ", ".join(f"{key!r}: {self._names[key]}" for key in read([e]))
        return f"evaluate({self._hold(e)}, {{{given}}})"
