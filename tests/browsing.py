"""Help for tests of the report page in a real browser, without a network."""

import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1200,900",
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("no browser: install chromium and chromedriver (Debian: chromium, chromium-driver)")
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    yield browser
    browser.quit()


def wait(condition: Any, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the page did not get there"
        time.sleep(0.05)


def find(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def text(browser: Any, selector: str) -> str:
    return browser.execute_script("return document.querySelector(arguments[0]).textContent", selector)


def column(browser: Any, header: str) -> list[str]:
    """The texts of the visible cells below a header."""
    return browser.execute_script(
        """const headers = [...document.querySelectorAll("#comparison th")];
        const place = headers.findIndex((header) => header.textContent.trim() === arguments[0]);
        return [...document.querySelectorAll("#comparison tbody tr")].filter((row) => !row.hidden)
            .map((row) => row.cells[place].textContent.trim())""",
        header,
    )


def press(browser: Any, header: str) -> None:
    from selenium.webdriver.common.keys import Keys

    for button in browser.find_elements("css selector", "#comparison th button"):
        if button.text.split("\n")[0].strip() == header:
            button.send_keys(Keys.ENTER)  # as somebody without a mouse would
            return
    raise AssertionError(f"no column {header}")
