"""What several tests need: engines, and the skip that says why."""

import os
import shutil
from importlib.util import find_spec

import pytest

from xl_econ.workbook.recalc import libreoffice

os.environ.pop("XL_ECON_RATE_CARD", None)  # the tests are about the shipped tables


def pytest_collection_modifyitems(items):
    """Without LibreOffice or Chromium their tests are skipped with the reason; in CI they must run."""
    if os.environ.get("CI") == "true":
        return
    absent = {}
    if not libreoffice():
        absent["libreoffice"] = (
            "LibreOffice is not installed (Debian: apt-get install libreoffice-calc-nogui python3-uno)"
        )
    if not (shutil.which("chromedriver") and find_spec("selenium")):
        absent["browser"] = "no browser (Debian: apt-get install chromium chromium-driver; pip install selenium)"
    for item in items:
        for marker in absent.keys() & item.keywords.keys():
            item.add_marker(pytest.mark.skip(reason=absent[marker]))


ENGINES = ["ironcalc", pytest.param("libreoffice", marks=pytest.mark.libreoffice)]
