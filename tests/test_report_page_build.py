"""The report page as it is written: its size, what is on it, and what a damaged run costs."""

import json
import re
from pathlib import Path

import pytest

from tests.judged_runs import vanished
from tests.made_runs import layer_rows, make_run, mlp_config, step_rows
from tests.page_runs import recurrent_results, results
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


def test_fifty_runs_stay_below_five_megabytes(tmp_path: Path) -> None:
    steps = [*range(50), *range(50, 2001, 50)]
    for depth in (20, 110):
        rows = [row for step in steps for row in layer_rows([0.987 ** (step + i) for i in range(depth)], step=step)]
        for seed in range(25):
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
