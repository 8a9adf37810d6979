"""What several tests need: engines, and the skip that says why."""

import os

import pytest

from xl_econ.workbook.recalc import libreoffice

os.environ.pop("XL_ECON_RATE_CARD", None)  # the tests are about the shipped tables


def pytest_collection_modifyitems(items):
    """Without LibreOffice its tests are skipped with the reason; in CI they must run."""
    if libreoffice() or os.environ.get("CI") == "true":
        return
    reason = "LibreOffice is not installed (Debian: apt-get install libreoffice-calc-nogui python3-uno)"
    for item in items:
        if "libreoffice" in item.keywords:
            item.add_marker(pytest.mark.skip(reason=reason))


ENGINES = ["ironcalc", pytest.param("libreoffice", marks=pytest.mark.libreoffice)]
