"""openpyxl's tokenizer of formulas, without the package around it.

It needs nothing of the rest, which brings NumPy and lxml along: a fifth of a second at every audit.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openpyxl.formula.tokenizer import Token, Tokenizer, TokenizerError
else:
    _held = sys.modules.get("openpyxl.formula.tokenizer")
    if _held is None:
        _package = find_spec("openpyxl")  # finds it without running it
        _path = Path(_package.submodule_search_locations[0], "formula", "tokenizer.py")
        _spec = spec_from_file_location(f"{__name__}.alone", _path)
        _held = module_from_spec(_spec)
        _spec.loader.exec_module(_held)
    Token, Tokenizer, TokenizerError = _held.Token, _held.Tokenizer, _held.TokenizerError

__all__ = ["Token", "Tokenizer", "TokenizerError"]
