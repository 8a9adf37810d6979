"""The page of the audit, in a real browser: what a reviewer does there works, nothing is loaded, nothing complains."""

import base64
import contextlib
import json
import re
import shutil
import time

import pytest
import xlsxwriter

from xl_econ.cli import main

pytestmark = pytest.mark.browser

WAIT = 10


def faulty(path):
    """A model with an error, a warning, an accepted finding, a hostile text, a formula across sheets, a range."""
    book = xlsxwriter.Workbook(str(path))
    s = book.add_worksheet("Inputs")
    s.write_row("A1", ["Input", "Unit", "Value", "Source", "As of"])
    s.write_row("A2", ["Power", "kW", 700, "Data sheet", "2025-01"])
    s.write_row("A3", ["Tariff", "USD/kWh", 0.06])
    s.write("A4", "<img src=x onerror=alert(1)></script><script>alert(2)</script>")
    s.write_row("A5", ["Kind", "", "H100", "Choice", "2025-01"])
    percent, day = book.add_format({"num_format": "0.0%"}), book.add_format({"num_format": "yyyy-mm-dd"})
    c = book.add_worksheet("Model")
    c.write_row("A1", ["Step", "Unit", "Base", "Low"])
    c.write_row("A2", ["Bill of an hour", "USD"])
    c.write_formula("C2", "=Inputs!C2*Inputs!$C$3", None, 41)
    c.write_formula("D2", "=IFERROR(C2/2,0)", None, 21)
    c.write_row("A3", ["Sum", "USD"])
    c.write_formula("C3", "=SUM(C2:D2)+total_tariff", None, 63.06)
    c.write_row("A4", ["Share", ""])
    c.write_formula("C4", "=IFERROR(C2/C3,0)", percent, 0.66)
    c.write_row("A5", ["Start", ""])
    c.write("C5", 45658, day)
    c.write_row("A6", ["Big", "USD", 1234567.891], None)
    c.write("C7", -0.5, percent)
    c.write("C8", 1500000, book.add_format({"num_format": '"$"#,##0.0,,"M"'}))
    c.write_formula("C9", "=NOSUCH(C2)", None, 1)
    book.define_name("total_tariff", "=Inputs!$C$3")
    a = book.add_worksheet("Accepted findings")
    a.write_row("A1", ["check", "sheet", "cell", "reason", "name", "date"])
    a.write_row("A2", ["error-masked", "Model", "C4", "A share of nothing is nothing", "J. Doe", "2026-11-01"])
    book.add_worksheet("Back").hide()
    book.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    faulty(folder / "model.xlsx")
    assert main(["audit", str(folder / "model.xlsx"), "--html", str(folder / "audit.html")]) == 1
    return folder / "audit.html"


@pytest.fixture(scope="module")
def driver():
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,800"):
        options.add_argument(word)
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    held = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield held
    held.quit()


class Page:
    """The page as somebody works in it."""

    def __init__(self, driver, path):
        self.driver = driver
        driver.get_log("browser")
        driver.get_log("performance")
        driver.get("about:blank")
        driver.get(path.as_uri())

    def all(self, css):
        return self.driver.find_elements("css selector", css)

    def one(self, css):
        return self.driver.find_element("css selector", css)

    def click(self, css):
        """Click; what is in sight is drawn anew now and then, so the element may be another by then."""
        from selenium.common.exceptions import StaleElementReferenceException

        for _ in range(5):
            with contextlib.suppress(StaleElementReferenceException):
                self.one(css).click()
                return

    def text(self, css):
        return self.driver.execute_script("return document.querySelector(arguments[0]).innerText", css)

    def attribute(self, css, name):
        """An attribute, in one go: what is in sight is drawn anew now and then."""
        script = "return document.querySelector(arguments[0]).getAttribute(arguments[1])"
        return self.driver.execute_script(script, css, name)

    def keys(self, *keys):
        from selenium.webdriver import ActionChains

        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def until(self, condition):
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.05)
        raise AssertionError("did not come about")

    def requested(self):
        """The addresses that were asked for, besides the page."""
        messages = (json.loads(e["message"])["message"] for e in self.driver.get_log("performance"))
        sent = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [u for u in sent if not u.startswith(("about:", "data:")) and not u.endswith("/audit.html")]


@pytest.fixture
def shown(driver, page):
    held = Page(driver, page)
    yield held
    assert [e for e in driver.get_log("browser") if e["level"] != "INFO"] == []
    assert held.requested() == []


def test_it_opens_at_the_worst_finding_and_shows_the_sheet(shown):
    assert "Findings" in shown.text("#to-list")
    assert shown.text("#list .item .where").startswith("✕")
    assert shown.one('#tabs [aria-selected="true"]').text.startswith("Model")
    assert shown.text("#at-C2") == "41"
    assert "error" in shown.attribute("#at-C2", "class")
    assert shown.attribute("#at-C2", "data-mark") == "✕"
    assert "Back (hidden)" in [t.text for t in shown.all("#tabs button")]


def test_values_are_shown_by_their_formats(shown):
    texts = {c: shown.text(f"#at-{c}") for c in ("C4", "C5", "C6", "C7", "C8")}
    assert texts == {"C4": "66.0%", "C5": "2025-01-01", "C6": "1234567.891", "C7": "-50.0%", "C8": "$1.5M"}


def test_a_cell_tells_value_recomputed_value_formula_and_finding(shown):
    shown.click("#at-C2")
    told = shown.text("#cell")
    for text in (
        "Model!C2",
        "Bill of an hour / Base",
        "41 USD",
        "42 (ironcalc)",
        "=Inputs!C2*Inputs!$C$3",
        "stored-value",
    ):
        assert text in told
    assert "What to do:" in told
    assert "Expected: 42" in told


def test_lineage_is_walked_by_links_both_ways(shown):
    shown.click("#at-C3")
    tree = shown.text("#cell .tree")
    assert "Model!C2:D2" in tree
    assert "Inputs!C3" in tree  # through a defined name
    shown.click('#cell .tree button[aria-expanded="false"]')
    assert "Model!D2" in shown.text("#cell .tree ul")
    next(a for a in shown.all("#cell .tree a") if a.text == "Inputs!C3").click()
    shown.until(lambda: "Inputs!C3" in shown.text("#cell h2"))
    told = shown.text("#cell")
    assert "typed number without a source" in told
    assert "total_tariff" in told
    assert {a.text for a in shown.all("#used a")} == {"Model!C2", "Model!C3"}
    shown.driver.back()
    shown.until(lambda: "Model!C3" in shown.text("#cell h2"))


def test_of_a_look_up_the_cell_that_it_finds_is_shown(driver, tmp_path):
    path = tmp_path / "prices.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("Prices")
    for row, (name, price) in enumerate((("A100", 1.2), ("H100", 2.5), ("H200", 3.1))):
        sheet.write_row(row, 0, [name, price])
    sheet.write("D1", "H100")
    sheet.write_formula("E1", "=VLOOKUP(D1,$A$1:$B$3,2,FALSE)*100", None, 250)
    sheet.write_formula("E2", "=VLOOKUP(D2,$A$1:$B$3,2,FALSE)", None, "#N/A")
    book.close()
    main(["audit", str(path), "--html", str(tmp_path / "p.html"), "--force"])
    page = Page(driver, tmp_path / "p.html")
    page.until(lambda: page.all("#at-E1"))
    page.click("#at-E1")
    tree = page.text("#cell .tree")
    assert "Prices!B2" in tree
    assert "Prices!D1" in tree
    assert "A1:B3" not in tree
    page.click("#at-E2")
    page.until(lambda: "Prices!E2" in page.text("#cell h2"))
    assert "A1:B3" in page.text("#cell .tree")


def test_an_input_says_its_source(shown):
    shown.driver.execute_script("document.querySelector('#tabs button').click()")
    shown.until(lambda: shown.all("#at-D2"))
    shown.click("#at-C2")
    assert "Data sheet" in shown.text("#cell")
    assert "input with a source" in shown.text("#cell")
    assert "input" in shown.attribute("#at-C5", "class")  # a text that is chosen
    assert "<img" in shown.text("#at-A4")


def test_search_finds_values_formulas_and_labels(shown):
    shown.keys("/")
    box = shown.driver.switch_to.active_element
    assert box.get_attribute("id") == "search"
    box.send_keys("bill of")
    shown.until(lambda: "Model!C2" in shown.text("#found"))
    assert "hit" in shown.attribute("#at-C2", "class")
    box.send_keys("\ue007")
    shown.until(lambda: shown.text("#cell h2").startswith("Model!"))
    shown.keys("\ue00c")
    assert shown.one("#list").is_displayed()
    shown.keys("/")
    shown.driver.switch_to.active_element.send_keys("Inputs!C2\ue007")
    shown.until(lambda: shown.text("#cell h2") == "Inputs!C2")
    shown.keys("/")
    shown.driver.switch_to.active_element.send_keys("NOSUCH(")
    shown.until(lambda: "Model!C9" in shown.text("#found"))
    shown.keys("\ue00c")


def test_filters_by_severity_and_check(shown):
    before = len(shown.all("#list .item"))
    errors = sum("is-error" in i.get_attribute("class") for i in shown.all("#list .item"))
    shown.click('.chip[data-kind="error"]')
    assert len(shown.all("#list .item")) == before - errors
    assert "error" not in shown.attribute("#at-C2", "class").split()
    shown.click('.chip[data-kind="error"]')
    shown.click('#check option[value="error-masked"]')
    assert {i.text for i in shown.all("#list .check")} == {"error-masked"}
    accepted = [i for i in shown.all("#list .item") if "is-accepted" in i.get_attribute("class")]
    accepted[0].click()
    assert "Accepted by J. Doe on 2026-11-01: A share of nothing is nothing" in shown.text("#cell")


def test_keys_move_in_the_grid_and_between_findings(shown):
    shown.keys("n")
    first = shown.text("#cell h2")
    shown.keys("n")
    second = shown.text("#cell h2")
    assert first != second
    shown.keys("p")
    assert shown.text("#cell h2") == first
    shown.keys("\ue015")  # down
    row = int("".join(filter(str.isdigit, first))) + 1
    assert shown.text("#cell h2").endswith(str(row))
    shown.keys("\ue014", "\ue012", "\ue013")  # right, left, up
    assert shown.text("#cell h2") == first
    assert shown.attribute("#scroll", "aria-activedescendant") == "at-" + first.rpartition("!")[2]
    shown.keys("\ue011")  # home
    assert shown.text("#cell h2").endswith("A" + str(row - 1))
    shown.keys("?")
    assert shown.one("#help").is_displayed()
    shown.keys("\ue00c")
    assert not shown.one("#help").is_displayed()


def test_paper_has_every_finding(shown):
    found = len(shown.all("#list .item"))
    shown.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not shown.one("#board").is_displayed()
        cells = [[c.text for c in r.find_elements("css selector", "td")] for r in shown.all("#concerned tbody tr")]
        bill = next(c for c in cells if c[0] == "Model!C2")
        assert bill[1:5] == ["Bill of an hour / Base", "41", "42", "=Inputs!C2*Inputs!$C$3"]
        assert "stored-value" in bill[5]
        assert len({c[0] for c in cells}) == len(cells)
        assert len([r for r in shown.all("#report tbody tr") if r.find_elements("css selector", ".severity")]) == found
        assert "What to do" in shown.text("#report")
    finally:
        shown.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_printer_gets_the_report_and_no_empty_page(shown):
    pdf = shown.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", base64.b64decode(pdf))) <= 4


@pytest.mark.parametrize("width", [400, 1280, 1920])
def test_nothing_hangs_out_at_any_width(shown, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    shown.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        shown.click("#list .item")
        sizes = shown.driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
        assert sizes[0] <= sizes[1]
        assert all(shown.one(css).is_displayed() for css in ("#board", "#cell", "#search", "#at-C2"))
    finally:
        shown.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.slow
def test_a_hundred_thousand_cells_are_usable(driver, tmp_path):
    path = tmp_path / "big.xlsx"
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    s = book.add_worksheet("S")
    s.write_row(0, 0, ["Item", "Base", "Rate", "Cost", "Sum"])
    total = 0
    for r in range(1, 20_001):
        cost = r * 0.5
        total += cost
        s.write_string(r, 0, f"Item {r}")
        s.write_number(r, 1, r)
        s.write_number(r, 2, 0.5)
        s.write_formula(r, 3, f"=B{r + 1}*C{r + 1}", None, cost)
        s.write_formula(r, 4, f"=D{r + 1}+E{r}" if r > 1 else f"=D{r + 1}", None, total)
    book.close()
    target = tmp_path / "audit.html"
    main(["audit", str(path), "--html", str(target)])
    assert target.stat().st_size < 6_000_000
    start = time.monotonic()
    held = Page(driver, target)
    held.until(lambda: held.all("#at-D2"))
    assert time.monotonic() - start < 20
    assert len(held.all(".cell")) < 1000
    held.keys("/")
    held.driver.switch_to.active_element.send_keys("S!E20001\ue007")
    held.until(lambda: held.text("#cell h2") == "S!E20001")
    assert "=D20001+E20000" in held.text("#cell")
    assert [e for e in driver.get_log("browser") if e["level"] != "INFO"] == []
