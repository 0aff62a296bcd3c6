"""The report page as a reader meets it: in a real browser, from a file, without a network."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.browsing import chromium, column, find, press, text, wait  # noqa: F401  the browser is a fixture
from tests.judged_runs import healthy, unprobed, vanished
from tests.page_runs import HOSTILE, recurrent_results, results
from vgp_bench.compare import compare
from vgp_bench.records.reading import find_runs
from vgp_bench.report.page.build import write_report


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    return write_report(compare(find_runs([results(folder / "results")])), folder / "report.html", f"Tests {HOSTILE}")


@pytest.fixture
def opened(chromium: Any, page: Path) -> Any:  # noqa: F811
    chromium.set_window_size(1200, 900)
    chromium.get(page.as_uri())
    wait(lambda: "runs at step" in text(chromium, "#signal-words"))
    return chromium


def test_it_loads_without_a_complaint_or_a_request(opened: Any, page: Path) -> None:
    for row in opened.find_elements("css selector", "details.run > summary")[-2:]:
        row.click()
    wait(lambda: len(opened.find_elements("css selector", "details.run[open] .curves > div")) >= 6)
    complaints = [entry for entry in opened.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]
    assert complaints == []
    messages = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    assert page.as_uri() in asked  # the log works
    assert all(url.startswith("data:") for url in asked - {page.as_uri()})


def test_the_slider_moves_by_keyboard_and_changes_the_picture(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    slider, figures = find(opened, "#step"), find(opened, "#signal-figures")
    opened.execute_script("arguments[0].scrollIntoView()", figures)
    before, words = figures.screenshot_as_png, text(opened, "#signal-words")
    assert words == "8 runs at step 0; smallest gradient 2.8e-8"  # .4^19
    slider.send_keys(Keys.ARROW_RIGHT)
    wait(lambda: text(opened, "#signal-words") != words)
    assert text(opened, "#signal-words") == "8 runs at step 50; smallest gradient 7.6e-16"  # .4^38
    assert text(opened, "#step-now") == "50"
    assert figures.screenshot_as_png != before
    slider.send_keys(Keys.ARROW_LEFT)
    wait(lambda: text(opened, "#signal-words") == words)


def test_ticks_choose_the_runs_in_the_view(opened: Any) -> None:
    opened.find_elements("css selector", "#comparison tbody input")[1].click()  # the first one has no gradient
    wait(lambda: text(opened, "#signal-words").startswith("6 runs"))


def test_all_ticks_at_once_and_what_the_filter_hides_is_not_in_the_view(opened: Any) -> None:
    assert text(opened, "#ticked") == "5 of 5 rows ticked"
    find(opened, "#tick-none").click()
    wait(lambda: text(opened, "#signal-words").startswith("0 runs"))
    assert text(opened, "#ticked") == "0 of 5 rows ticked"
    find(opened, "#filter").send_keys("sigmoid")
    find(opened, "#tick-all").click()  # of those that are shown
    wait(lambda: text(opened, "#signal-words").startswith("4 runs"))
    assert text(opened, "#ticked") == "2 of 5 rows ticked"
    find(opened, "#filter").send_keys(" 20")
    wait(lambda: text(opened, "#signal-words").startswith("2 runs"))


def test_a_click_on_a_header_sorts_by_value(opened: Any) -> None:
    press(opened, "depth")
    assert column(opened, "depth") == ["2", "2", "3", "20", "20"]  # as numbers: as texts 20 would come before 3
    press(opened, "depth")
    assert column(opened, "depth") == ["20", "20", "3", "2", "2"]
    press(opened, "test acc %")
    assert column(opened, "test acc %")[:4] == ["50.5", "60.5", "95.5", "105.5"]
    assert column(opened, "test acc %")[4] == "-"  # unmeasured comes last, whichever way
    press(opened, "test acc %")
    assert column(opened, "test acc %")[4] == "-"
    assert find(opened, "th[aria-sort=descending]").text.startswith("test acc %")


def test_the_filter_takes_words_and_whole_numbers(opened: Any) -> None:
    box = find(opened, "#filter")
    box.send_keys("rel 3")
    assert column(opened, "depth") == ["3"]  # "rel" is found in relu, "3" not in 0.5*0.3 or the like
    assert text(opened, "#shown") == "1 of 5 rows"
    box.clear()
    box.send_keys("nothing of the kind")
    assert text(opened, "#shown") == "0 of 5 rows"


def test_texts_of_users_are_texts(opened: Any) -> None:
    assert opened.title == f"Tests {HOSTILE}"
    assert HOSTILE in column(opened, "architecture")
    assert opened.execute_script("return document.images.length") == len(
        opened.find_elements("css selector", "#figures figure img")
    )
    assert HOSTILE.split("&")[0] in text(opened, "details.run pre")


def test_it_fits_a_phone_and_has_a_dark_and_a_printed_form(opened: Any) -> None:
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    )
    try:
        assert opened.execute_script("return document.documentElement.scrollWidth") <= 360
        images = opened.find_elements("css selector", "figure img")
        assert min(image.size["width"] for image in images) >= 640
        wait(lambda: find(opened, ".hint").is_displayed())
        assert "more" in find(opened, ".scroll").get_attribute("class")
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    background = "return getComputedStyle(document.body).backgroundColor"
    colours = []
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        colours.append(opened.execute_script(background))
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert colours == ["rgb(255, 255, 255)", "rgb(22, 22, 26)"]
    assert len(opened.print_page()) > 10_000


def test_a_verdict_filters_the_table_and_each_run_says_why(chromium: Any, tmp_path: Path) -> None:  # noqa: F811
    for seed in (0, 1):
        healthy(tmp_path / "results", seed, note=HOSTILE)
        vanished(tmp_path / "results", seed, note=HOSTILE)
    unprobed(tmp_path / "results")
    written = write_report(compare(find_runs([tmp_path / "results"])), tmp_path / "report.html", "verdicts")
    chromium.get(written.as_uri())
    assert column(chromium, "verdict") == ["healthy", "vanishing (depth)", "plateau"]
    buttons = chromium.find_elements("css selector", "#verdicts button")
    assert [button.text for button in buttons] == ["2 healthy", "2 vanishing (depth)", "1 plateau", "all"]
    buttons[1].click()
    assert column(chromium, "verdict") == ["vanishing (depth)"]
    buttons[3].click()
    assert len(column(chromium, "verdict")) == 3
    runs = chromium.find_elements("css selector", "details.run")
    assert [run.find_element("css selector", ".verdict").text for run in runs] == [
        "healthy", "healthy", "vanishing (depth)", "vanishing (depth)", "plateau",
    ]  # fmt: skip
    runs[2].find_element("css selector", "summary").click()
    said = {row.text.partition(" ")[0]: row.text for row in runs[2].find_elements("css selector", ".diagnosis tr")}
    assert said["seen"] == "seen h0 cannot move the outputs, from the start"
    assert said["evidence"].endswith("1e-11 (limit 0.001)")
    assert "architecture=residual_mlp" in said["try"]
    runs[4].find_element("css selector", "summary").click()
    assert runs[4].find_elements("css selector", ".diagnosis tr")[-1].text.startswith("note no probes on record")


def test_the_slider_moves_the_gradient_through_time(chromium: Any, tmp_path: Path) -> None:  # noqa: F811
    from selenium.webdriver.common.keys import Keys

    comparison = compare(find_runs([recurrent_results(tmp_path / "runs")]))
    chromium.get(write_report(comparison, tmp_path / "report.html", "time").as_uri())
    wait(lambda: text(chromium, "#signal-words") == "1 run at step 0; smallest gradient 5.0e-1")
    find(chromium, "#step").send_keys(Keys.ARROW_RIGHT)
    wait(lambda: text(chromium, "#signal-words") == "1 run at step 50; smallest gradient 2.5e-1")
    assert [entry for entry in chromium.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")] == []
