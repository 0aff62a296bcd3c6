"""Words have room of their own, never over the data; what cannot be read or shown is one line."""

import warnings
from itertools import pairwise

import pytest

from tests.drawn import drawn, notes_of
from tests.made_runs import layer_row, layer_rows, make_run, mlp_config
from vgp_bench.cli import main
from vgp_bench.compare import compare
from vgp_bench.errors import UserError
from vgp_bench.records.reading import find_runs
from vgp_bench.records.rows import TABLES
from vgp_bench.report.drawing.saving import save
from vgp_bench.report.plots import activation_moments, gradient_depth
from vgp_bench.report.plots.kind import kinds


def test_notes_legend_panels_and_labels_do_not_meet(tmp_path):
    for depth in range(2, 18):
        make_run(tmp_path, mlp_config(depth=depth), layers=layer_rows([0.5] * (depth - 1)))
    for depth in range(20, 26):
        make_run(tmp_path, mlp_config(depth=depth))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = drawn(gradient_depth.KIND, tmp_path)
    assert notes_of(figure) == ["not measured: depth=20; depth=21; depth=22; 3 more", "one hidden stage: depth=2"]
    (note,) = [text for text in figure.texts if text.get_gid() == "note"]
    (label,) = [text for text in figure.texts if text.get_text() == figure.get_supxlabel()]
    ticks = [tick.get_window_extent() for tick in figure.axes[0].get_xticklabels()]
    panel, legend = figure.axes[0].get_window_extent(), figure.legends[0].get_window_extent()
    from_below = [note.get_window_extent(), label.get_window_extent(), ticks[0], panel, legend]
    assert all(a.y1 <= b.y0 + 1 for a, b in pairwise(from_below))
    assert note.get_window_extent().y0 >= 0
    assert note.get_window_extent().x1 <= figure.bbox.x1
    assert legend.y1 <= figure.bbox.y1 + 1
    assert panel.height > 1.5 * figure.dpi


def test_long_names_are_shortened(tmp_path):
    make_run(tmp_path, mlp_config(), layers=layer_rows([0.5, 1.0]))
    make_run(tmp_path, mlp_config(loader={"how": "word " * 40}))
    (line,) = notes_of(drawn(gradient_depth.KIND, tmp_path))
    assert len(line) < 80
    assert line.endswith(" ...")


def test_without_room_there_is_one_line_and_no_warning(tmp_path):
    make_run(tmp_path, mlp_config(), layers=layer_rows([0.5, 1.0]))
    figure = gradient_depth.KIND.figure(compare(find_runs([tmp_path])))
    figure.axes[0].set_title("\n".join("x" * 40))
    with pytest.raises(UserError, match="leave no room for its panels: choose fewer runs with --where"):
        save(figure, tmp_path / "a.png")


def test_too_many_panels_say_how_many_can_be_read(tmp_path):
    for number in range(5):
        config = mlp_config(depth=number)
        config["architecture"]["_target_"] = f"x.Net{number}"
        rows = [
            layer_row(stage=i, kind="hidden", depth=i + 1, activation_mean=0.0, activation_std=1.0) for i in range(2)
        ]
        make_run(tmp_path, config, {"architecture": f"net{number}", "activation": "relu"}, layers=rows)
    with pytest.raises(UserError, match="10 panels, and 8 can be read in one figure: choose fewer runs with --where"):
        drawn(activation_moments.KIND, tmp_path)


def test_kinds_without_steps_take_none(tmp_path):
    make_run(tmp_path, mlp_config(), layers=layer_rows([0.5, 1.0]))
    comparison = compare(find_runs([tmp_path]))
    without = [kind for kind in kinds().values() if not kind.steps]
    assert "decay-theory" in {kind.name for kind in without}
    for kind in without:
        with pytest.raises(UserError, match=f"--step first: {kind.name} takes no --step; leave it out"):
            kind.figure(comparison, ["first"])


def test_a_damaged_table_costs_one_run_and_is_told(tmp_path, capsys):
    paths = [make_run(tmp_path / "runs", mlp_config(seed), layers=layer_rows([0.5, 1.0])) for seed in (0, 1)]
    (paths[1] / "layers.parquet").write_bytes(b"PAR1")
    (paths[0] / "steps.parquet").write_bytes(b"PAR1")  # not in this figure
    image = str(tmp_path / "a.svg")
    assert main(["plot", "gradient-depth", str(tmp_path / "runs"), "-o", image]) == 0
    told = capsys.readouterr().err
    assert told == f"left out: {paths[1]}/layers.parquet is not a readable Parquet file; run it again\n"
    assert "one seed" in (tmp_path / "a.svg").read_text()
    (paths[0] / "layers.parquet").write_bytes(b"PAR1")
    assert main(["plot", "gradient-depth", str(tmp_path / "runs"), "-o", image]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "is not a readable Parquet file; run it again (2 runs like this, and no other)" in told


def test_a_run_without_a_config_is_told_too(tmp_path, capsys):
    paths = [make_run(tmp_path / "runs", mlp_config(seed), layers=layer_rows([0.5, 1.0])) for seed in (0, 1)]
    (paths[1] / "config.yaml").unlink()
    assert main(["plot", "gradient-depth", str(tmp_path / "runs"), "-o", str(tmp_path / "a.svg")]) == 0
    assert "left out" in capsys.readouterr().err


@pytest.mark.parametrize("name", list(kinds()))
def test_every_kind_can_do_without_a_group_of_damaged_runs(tmp_path, capsys, name):
    for depth in (2, 3):
        path = make_run(tmp_path / "runs", mlp_config(depth=depth), layers=layer_rows([0.5, 1.0]), test_accuracy=0.5)
    for table in TABLES:
        (path / f"{table}.parquet").write_bytes(b"")
    main(["plot", name, str(tmp_path / "runs"), "-o", str(tmp_path / "a.png")])  # an exception would come through
    assert "is not a readable" in capsys.readouterr().err or not kinds()[name].tables


def test_a_long_legend_takes_room_of_its_own(tmp_path):
    heights = []
    for count in (2, 14):
        for number in range(count):
            make_run(tmp_path, mlp_config(activation=f"{'x' * 70}{number}"), layers=layer_rows([0.5, 1.0]))
        figure = drawn(gradient_depth.KIND, tmp_path)
        heights.append(figure.axes[0].get_window_extent().height)
    assert heights[1] > 0.9 * heights[0]
