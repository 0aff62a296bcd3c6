"""The report page as a reader meets it: in a real browser, from a file, without a network."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.judged_runs import healthy, unprobed, vanished
from tests.made_runs import epoch_rows, layer_rows, make_run, mlp_config, step_rows
from tests.made_tables import make_tables, time_rows
from vgp_bench.cli import main
from vgp_bench.compare import compare
from vgp_bench.errors import ResultsError, UserError
from vgp_bench.records.reading import find_runs
from vgp_bench.report.drawing.style import Look
from vgp_bench.report.page import signal_view
from vgp_bench.report.page.build import write_report
from vgp_bench.report.page.pictures import pictures
from vgp_bench.report.page.signal_figures import signal_figures
from vgp_bench.report.page.signal_view import signal_data

HOSTILE = "</script><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">&amp;"
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


def results(folder: Path) -> Path:
    """Two activations x two depths x two seeds, gradients that change at step 50; one run with a hostile name."""
    for depth, activation in ((2, "ReLU"), (20, "ReLU"), (2, "Sigmoid"), (20, "Sigmoid")):
        for seed in (0, 1):
            rho = 0.4 if activation == "Sigmoid" else 0.9
            rows = [
                row
                for step in (0, 50)
                for row in layer_rows([rho ** ((depth - i) * (1 if step == 0 else 2)) for i in range(depth)], step=step)
            ]
            make_run(
                folder,
                mlp_config(seed, depth, activation, note=HOSTILE),
                layers=rows,
                epochs=epoch_rows([0.5, 0.75]),
                steps=step_rows([2.0, 1.0, 0.5]),
                test_accuracy={2: 0.95, 20: 0.5}[depth] + 0.01 * seed + 0.1 * (activation == "Sigmoid"),
                validation_accuracy=0.75,
            )
    make_run(
        folder, mlp_config(0, 3, "ReLU", note=HOSTILE), {"architecture": HOSTILE, "activation": "relu"}, state="failed"
    )
    return folder


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    return write_report(compare(find_runs([results(folder / "results")])), folder / "report.html", f"Tests {HOSTILE}")


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


@pytest.fixture
def opened(chromium: Any, page: Path) -> Any:
    chromium.set_window_size(1200, 900)
    chromium.get(page.as_uri())
    wait(lambda: "runs at step" in text(chromium, "#signal-words"))
    return chromium


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


def test_fifty_runs_stay_below_five_megabytes(tmp_path: Path) -> None:
    steps = [*range(50), *range(50, 2001, 50)]
    for depth in (20, 110):
        for seed in range(25):
            rows = [row for step in steps for row in layer_rows([0.987 ** (step + i) for i in range(depth)], step=step)]
            make_run(
                tmp_path / "results",
                mlp_config(seed, depth),
                layers=rows,
                steps=step_rows([0.123456] * 2000),
                test_accuracy=0.5,
            )
    written = write_report(compare(find_runs([tmp_path / "results"])), tmp_path / "report.html", "large")
    assert written.stat().st_size < 5e6


def test_steps_are_thinned_only_beyond_the_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row for step in range(40) for row in layer_rows([0.5, 0.0, float("inf"), 1.0], step=step)]
    make_run(tmp_path, mlp_config(), layers=rows)
    comparison = compare(find_runs([tmp_path]))
    whole = signal_data(comparison, [Look()])
    assert whole["steps"] == list(range(40))
    assert whole["runs"][0]["gradient"][0] == [0.5, 0.0, None, 1.0]
    monkeypatch.setattr(signal_view, "BUDGET", 80)  # 4 stages: 20 steps
    thin = signal_data(comparison, [Look()])
    assert len(thin["steps"]) == 20
    assert (thin["steps"][0], thin["steps"][-1]) == (0, 39)


def test_a_verdict_filters_the_table_and_each_run_says_why(chromium: Any, tmp_path: Path) -> None:
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


def test_a_run_without_a_step_has_no_verdict(tmp_path: Path) -> None:
    make_run(tmp_path, mlp_config(), state="failed")
    written = write_report(compare(find_runs([tmp_path])), tmp_path / "report.html", "failed").read_text()
    assert 'class="verdict' not in written
    assert 'id="verdicts"' not in written


def test_of_many_runs_each_is_judged_even_if_the_table_is_not(tmp_path: Path) -> None:
    vanished(tmp_path)
    written = write_report(compare(find_runs([tmp_path]), judge=False), tmp_path / "report.html", "many").read_text()
    assert '<span class="verdict">vanishing (depth)</span>' in written
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "r.html")]) == 0
    assert 'id="verdicts"' in (tmp_path / "r.html").read_text()


def test_a_damaged_table_costs_the_curves_of_its_run_only(tmp_path: Path) -> None:
    path = make_run(tmp_path, mlp_config(), steps=step_rows([1.0]), test_accuracy=0.5)
    (path / "steps.parquet").write_bytes(b"PAR1")
    written = write_report(compare(find_runs([tmp_path])), tmp_path / "report.html", "damaged")
    assert "steps.parquet is not a readable Parquet file" in written.read_text()


def test_the_command_writes_the_page_or_says_why_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(tmp_path / "results", mlp_config(), layers=layer_rows([0.5, 1.0]), test_accuracy=0.5)
    file = tmp_path / "new" / "report.html"
    assert main(["report", str(tmp_path / "results"), "-o", str(file), "--title", "Mine"]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert "<title>Mine</title>" in file.read_text()
    assert main(["report", str(tmp_path / "results"), "-o", "report.pdf"]) == 2
    assert "give a file name that ends in .html" in capsys.readouterr().err
    comparison = compare(find_runs([tmp_path / "results"]))
    with pytest.raises(UserError, match=r"ends in \.html"):
        write_report(comparison, tmp_path / "report", "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="a file is in the way"):
        write_report(comparison, tmp_path / "file" / "report.html", "x")


def test_more_groups_than_panels_are_several_sheets(tmp_path: Path) -> None:
    for depth in range(2, 16):
        make_run(tmp_path, mlp_config(depth=depth), layers=layer_rows([0.5, 1.0]), test_accuracy=0.5)
    drawn, undrawn = pictures(compare(find_runs([tmp_path])), str)
    assert [picture.name for picture in drawn].count("gradient-heatmap") == 2  # 12 and 2 of 14 groups
    assert "activation-histogram" in dict(undrawn)  # no histograms in these runs


def recurrent_results(folder: Path) -> Path:
    """A recurrent network of one hidden stage beside a net with depth."""
    config = mlp_config()
    config["architecture"] = {"_target_": "x.RNN"}
    rows = [*layer_rows([1.0]), *time_rows([2.0, 1.0, 0.0]), *time_rows([4.0, 1.0, 1.0], step=50)]
    make_tables(folder, config, {"architecture": "rnn", "activation": "relu"}, rows, "completed", test_accuracy=0.5)
    return folder


def test_recurrent_runs_are_shown_through_time_and_one_stage_has_no_depth(tmp_path: Path) -> None:
    data = signal_data(compare(find_runs([recurrent_results(tmp_path)])), [Look()])
    assert data["panels"] == [{"kind": "time", "title": "through time"}]
    (run,) = data["runs"]
    assert (run["x"], run["steps"]) == ([0, 1, 2], [0, 50])
    assert run["gradient"] == [[1.0, 0.5, 0.0], [1.0, 0.25, 0.25]]
    make_run(tmp_path, mlp_config(), layers=layer_rows([0.5, 1.0]))
    data = signal_data(compare(find_runs([tmp_path])), [Look(), Look()])
    assert data["panels"] == [{"kind": "depth", "title": "mlp"}, {"kind": "time", "title": "rnn, through time"}]
    assert [(run["group"], run["panel"]) for run in data["runs"]] == [(0, 0), (1, 1)]
    depth, time_panel = (json.dumps(figure) for figure in signal_figures(data))
    assert "depth (weight layers" in depth
    assert "lag (time steps" in time_panel


def test_the_slider_moves_the_gradient_through_time(chromium: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    comparison = compare(find_runs([recurrent_results(tmp_path / "runs")]))
    chromium.get(write_report(comparison, tmp_path / "report.html", "time").as_uri())
    wait(lambda: text(chromium, "#signal-words") == "1 run at step 0; smallest gradient 5.0e-1")
    find(chromium, "#step").send_keys(Keys.ARROW_RIGHT)
    wait(lambda: text(chromium, "#signal-words") == "1 run at step 50; smallest gradient 2.5e-1")
    assert [entry for entry in chromium.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")] == []


def test_without_any_gradient_to_move_the_section_says_so(tmp_path: Path) -> None:
    make_run(tmp_path, mlp_config(depth=1), layers=layer_rows([1.0]), test_accuracy=0.5)
    page = write_report(compare(find_runs([tmp_path])), tmp_path / "report.html", "one").read_text()
    assert "There is nothing to move here" in page
    assert 'id="step"' not in page


def test_of_many_rows_the_first_are_ticked(tmp_path: Path) -> None:
    for depth in range(31):
        make_run(tmp_path, mlp_config(depth=depth), test_accuracy=0.5)
        if depth in (29, 30):
            page = write_report(compare(find_runs([tmp_path])), tmp_path / "report.html", "many").read_text()
            assert page.count(' checked aria-label="show') == (30 if depth == 29 else 12)


def test_a_baseline_gives_columns_of_differences_that_sort_by_difference(tmp_path: Path) -> None:
    results(tmp_path / "runs")
    file = tmp_path / "report.html"
    words = ["report", str(tmp_path / "runs"), "--where", "depth=2,20", "-o", str(file), "--baseline"]
    assert main([*words, "activation=relu"]) == 0
    page = file.read_text()
    assert "test acc % diff" in page
    (cell,) = re.findall(r'data-sort="([^"]*)">\+10.0<', page)[:1]
    assert float(cell) == pytest.approx(0.1)
    assert main([*words, "activation=nothing"]) == 2


def test_a_damaged_run_is_in_the_table_but_not_in_the_pictures(tmp_path: Path) -> None:
    for seed in (0, 1):
        path = make_run(tmp_path, mlp_config(seed), layers=layer_rows([0.5, 1.0]), test_accuracy=0.5)
    (path / "layers.parquet").write_bytes(b"PAR1")
    page = write_report(compare(find_runs([tmp_path])), tmp_path / "report.html", "damaged").read_text()
    assert "layers.parquet is not a readable Parquet file; run it again (in the table, not in the pictures)" in page
    assert "<b>gradient-depth</b>" in page
    assert '"seed":0' in page
    assert '"seed":1' not in page
