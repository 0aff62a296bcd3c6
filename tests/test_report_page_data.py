"""What the pictures of the page really hold, read from the plotting library after the page has drawn them."""

import math
from pathlib import Path
from typing import Any

import pytest

from tests.browsing import chromium, find, text, wait  # noqa: F401  the browser is a fixture
from tests.made_runs import epoch_rows, layer_rows, make_run, mlp_config, step_rows
from vgp_bench.compare import compare
from vgp_bench.records.reading import find_runs
from vgp_bench.report.page.build import write_report

DATA = """
const name = arguments[0];
return Bokeh.documents.map((document) => document.get_model_by_name(name)).filter(Boolean).map((source) =>
    Object.fromEntries(Object.entries(source.data).map(([key, values]) =>
        [key, Array.from(values, (value) => (ArrayBuffer.isView(value) || Array.isArray(value)
            ? Array.from(value, (v) => (Number.isNaN(v) ? null : v)) : value))])));
"""
EDGES = """
return Bokeh.documents.map((document) => document.get_model_by_name("gradient")).filter(Boolean)
    .map((plot) => [plot.y_range.start, plot.y_range.end]);
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two architectures; the plain one with ReLU and sigmoid, whose gradient is exactly 0, and later not finite."""
    folder = tmp_path_factory.mktemp("page")
    for architecture, activation, first, later in (
        ("plain", "ReLU", [0.25, 0.5, 1.0], [0.75, 0.5, 1.0]),
        ("plain", "Sigmoid", [0.0, 0.125, 1.0], [0.5, math.inf, 1.0]),
        ("residual", "ReLU", [2.0, 1.0, 1.0], [4.0, 1.0, 1.0]),
    ):
        config = mlp_config(0, 3, activation)
        config["architecture"]["_target_"] = f"x.{architecture.title()}"
        words = {"architecture": architecture, "activation": activation.lower()}
        rows = [*layer_rows(first, step=0), *layer_rows(later, step=40)]
        make_run(
            folder / "runs",
            config,
            words,
            layers=rows,
            steps=step_rows([2.0, 1.5, 1.0]),
            epochs=epoch_rows([0.5, 0.75]),
            test_accuracy=0.5,
        )
    return write_report(compare(find_runs([folder / "runs"])), folder / "report.html", "Data")


@pytest.fixture
def opened(chromium: Any, page: Path) -> Any:  # noqa: F811
    chromium.set_window_size(1200, 900)
    chromium.get(page.as_uri())
    wait(lambda: "runs at step" in text(chromium, "#signal-words"))
    return chromium


def lines(browser: Any) -> list[dict[str, tuple[list[float], str]]]:
    """Of each panel: name of a line up to its step -> values, colour."""
    return [
        {
            name.rpartition(",")[0]: (ys, colour)
            for name, ys, colour in zip(panel["name"], panel["ys"], panel["colour"], strict=True)
        }
        for panel in browser.execute_script(DATA, "lines")
    ]


def test_each_line_is_its_run_at_the_step_of_the_slider(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    plain, residual = lines(opened)
    relu, sigmoid = (f"architecture=plain, activation={name}, seed 0" for name in ("relu", "sigmoid"))
    other = "architecture=residual, activation=relu, seed 0"
    assert set(plain) == {relu, sigmoid}
    assert set(residual) == {other}
    assert plain[relu][0] == [0.25, 0.5, 1.0]
    assert residual[other][0] == [2.0, 1.0, 1.0]
    assert plain[relu][1] == residual[other][1] != plain[sigmoid][1]  # one colour an activation
    find(opened, "#step").send_keys(Keys.ARROW_RIGHT)
    wait(lambda: "at step 40" in text(opened, "#signal-words"))
    plain, residual = lines(opened)
    assert plain[relu][0] == [0.75, 0.5, 1.0]
    assert residual[other][0] == [4.0, 1.0, 1.0]


def test_zeros_lie_on_the_lower_edge_and_what_is_not_finite_on_the_upper(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    (bottom, top), _ = opened.execute_script(EDGES)
    zeros, broken = (opened.execute_script(DATA, name)[0] for name in ("zeros", "broken"))
    assert (zeros["x"], zeros["y"], broken["x"]) == ([1], [bottom], [])
    find(opened, "#step").send_keys(Keys.ARROW_RIGHT)
    wait(lambda: "at step 40" in text(opened, "#signal-words"))
    zeros, broken = (opened.execute_script(DATA, name)[0] for name in ("zeros", "broken"))
    assert (zeros["x"], broken["x"], broken["y"]) == ([], [2], [top])


def test_play_goes_through_the_steps(opened: Any) -> None:
    find(opened, "#play").click()
    wait(lambda: text(opened, "#step-now") == "40")
    wait(lambda: find(opened, "#play").text == "Play")


def test_the_curves_of_a_run_are_its_own(opened: Any) -> None:
    find(opened, "details.run > summary").click()
    wait(lambda: sum(bool(curve["y"]) for curve in opened.execute_script(DATA, "curve")) == 3)
    curves = [curve["y"] for curve in opened.execute_script(DATA, "curve")]
    assert curves == [[2.0, 1.5, 1.0], [50.0, 75.0], [0.25, 0.75]]  # loss, accuracy in percent, first / last
