"""The verdict in a comparison: of a group that agrees, of one that does not, in every format, and only where asked."""

import csv
import io
import json

import pytest

from tests.judged_runs import healthy, vanished
from tests.made_runs import layer_rows, make_run, mlp_config, probe_rows, step_rows
from vgp_bench.cli import main
from vgp_bench.compare import against, compare, pivot
from vgp_bench.records.reading import find_runs
from vgp_bench.report.tables import formats
from vgp_bench.report.tables.exporting import WRITERS
from vgp_bench.report.tables.table import render


def stalled(folder, seed, depth=3):
    """The network of judged_runs.healthy with a loss that stands, and nothing wrong with its signal."""
    steps = step_rows([2.3] * 80)
    return make_run(folder, mlp_config(seed, depth), steps=steps, probes=probe_rows([1.0] * depth), test_accuracy=0.1)


@pytest.fixture
def comparison(tmp_path):
    for seed in (0, 1):
        healthy(tmp_path, seed)
        vanished(tmp_path, seed)
    stalled(tmp_path, 2)
    return compare(find_runs([tmp_path]))


def test_a_group_agrees_or_is_counted(comparison):
    assert list(comparison.groups["architecture.depth"]) == [3, 6]
    assert comparison.verdicts == ["2 healthy, 1 plateau", "vanishing (depth)"]
    assert list(comparison.runs["verdict"]) == ["healthy", "healthy", "plateau", *["vanishing (depth)"] * 2]


def test_a_healthy_run_that_has_hardly_learned_is_told_from_one_that_has(tmp_path):
    steps = step_rows([2.3] * 60 + [2.3 - 0.01 * step for step in range(40)])  # a sixth of the loss is gone
    probes = probe_rows([1.0] * 3)
    make_run(tmp_path, mlp_config(0, 3), steps=steps, probes=probes, test_accuracy=0.2)
    healthy(tmp_path, 1)
    comparison = compare(find_runs([tmp_path]))
    assert comparison.verdicts == ["1 healthy (likely), 1 healthy"]
    assert list(comparison.runs["verdict"]) == ["healthy", "healthy"]


def test_of_several_runs_of_a_seed_the_counted_one_is_judged(tmp_path):
    healthy(tmp_path, 0)
    make_run(
        tmp_path, mlp_config(0, 3, experiment_name="again"), state="interrupted", steps=step_rows([2.3] * 40)
    )  # the same but for the folder, and not completed
    assert compare(find_runs([tmp_path])).verdicts == ["healthy"]


def test_the_table_has_it_after_the_counts_to_the_left_and_drops_figures_first(comparison):
    lines = render(comparison, 100, formats.ASCII).splitlines()
    head = next(line for line in lines if "verdict" in line)
    assert head.split()[:4] == ["depth", "activation", "n", "verdict"]
    place = head.index("verdict")
    assert [line[place:].split("  ")[0] for line in lines if line.lstrip().startswith(("3 ", "6 "))] == [
        "2 healthy, 1 plateau",
        "vanishing (depth)",
    ]
    narrow = render(comparison, 48, formats.ASCII).splitlines()
    assert max(map(len, narrow)) <= 48
    assert "verdict" in " ".join(narrow[:5])
    assert "not shown for want of width" in " ".join(narrow)  # parameters, say, but neither accuracy nor verdict
    assert "acc %" in " ".join(narrow[:5])


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_it_stands_in_every_readable_format(comparison, form):
    text = WRITERS[form](comparison, None, None, True)
    assert "vanishing (depth)" in text
    assert "verdict" in text


def test_files_have_it_a_group_and_a_run(comparison):
    rows = list(csv.DictReader(io.StringIO(WRITERS["csv"](comparison, None, None, True))))
    assert [row["verdict"] for row in rows] == ["2 healthy, 1 plateau", "vanishing (depth)"]
    assert [row["verdicts"] for row in rows] == ["healthy; healthy; plateau", "vanishing (depth); vanishing (depth)"]
    groups = json.loads(WRITERS["json"](comparison, None, None, True))["groups"]
    assert groups[0]["verdict"] == "2 healthy, 1 plateau"
    assert groups[0]["verdicts"] == ["healthy", "healthy", "plateau"]
    assert len(groups[0]["paths"]) == 3


def test_a_pivot_shows_it_when_asked_for_alone_or_beside_a_metric(comparison):
    records = [record for members in comparison.members for record in members]
    alone = compare(records, ["verdict"])
    lines = render(alone, 100, formats.ASCII, layout=pivot(alone, ["activation"], ["depth"])).splitlines()
    assert next(line for line in lines if line.startswith("relu")).split("  ", 1)[1].strip() == "2 healthy, 1 plateau"
    assert "columns: architecture.depth; cells: verdict; n differs" in " ".join(lines)
    both = compare(records, ["verdict", "test_accuracy"])
    text = render(both, 100, formats.ASCII, layout=pivot(both, ["activation"], ["depth"]))
    assert "vanishing (depth)" in text
    assert "cells: verdict and test acc %" in text


def test_runs_without_a_step_are_not_judged(tmp_path):
    make_run(tmp_path, mlp_config(0, 3), test_accuracy=0.5)
    comparison = compare(find_runs([tmp_path]))
    assert comparison.verdicts == [""]
    assert "not measured in any run: val acc %" in render(comparison, 200, formats.ASCII)
    assert render(comparison, 200, formats.ASCII).rstrip().endswith(", verdict")
    vanished(tmp_path)
    rows = list(csv.DictReader(io.StringIO(WRITERS["csv"](compare(find_runs([tmp_path])), None, None, True))))
    assert [row["verdict"] for row in rows] == ["", "vanishing (depth)"]


def test_a_damaged_table_is_a_note_told_once_and_costs_its_run_alone(tmp_path):
    healthy(tmp_path, 0)
    (healthy(tmp_path, 1) / "probes.parquet").write_bytes(b"PAR1")
    comparison = compare(find_runs([tmp_path]))
    assert comparison.verdicts == ["healthy"]
    assert list(comparison.runs["verdict"]) == ["healthy", "damaged"]
    assert sum("probes.parquet is not a readable" in note for note in comparison.notes) == 1


def test_damage_that_a_metric_and_the_verdict_meet_is_told_once(tmp_path):
    """Without a summary the metrics are read from the layers, too."""
    path = make_run(tmp_path, mlp_config(), state="interrupted", layers=layer_rows([1.0, 1.0]))
    (path / "layers.parquet").write_bytes(b"PAR1")
    assert len([note for note in compare(find_runs([tmp_path])).notes if "layers.parquet" in note]) == 1


def test_many_runs_are_judged_only_when_asked(tmp_path, monkeypatch):
    healthy(tmp_path, 0)
    healthy(tmp_path, 1)
    monkeypatch.setattr("vgp_bench.compare.verdicts.JUDGED_RUNS", 1)
    records = find_runs([tmp_path])
    left = compare(records)
    assert (left.verdicts, left.judged) == ([], {})
    assert "verdict left out: it reads the tables of 2 runs; --values verdict asks for it" in left.notes
    assert "healthy" not in render(left, 100, formats.ASCII)
    assert compare(records, ["verdict"]).verdicts == ["healthy"]
    assert compare(records, judge=True).verdicts == ["healthy"]


def test_a_figure_does_not_judge(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("judged")

    monkeypatch.setattr("vgp_bench.compare.comparison.judge_all", refuse)
    vanished(tmp_path)
    assert compare(find_runs([tmp_path]), ["parameters"]).judged == {}
    assert main(["plot", "learning", str(tmp_path), "-o", str(tmp_path / "a.png")]) == 0
    with pytest.raises(AssertionError, match="judged"):
        compare(find_runs([tmp_path]))


def test_the_command_takes_it_as_a_value(tmp_path, capsys):
    vanished(tmp_path)
    assert main(["compare", str(tmp_path), "--values", "verdict"]) == 0
    assert "vanishing (depth)" in capsys.readouterr().out
    assert main(["compare", str(tmp_path), "--values", "verdct"]) == 2
    assert "no metric verdct. Did you mean verdict" in capsys.readouterr().err


@pytest.mark.parametrize("values", [["verdict"], ["verdict", "test_accuracy"], ["test_loss", "verdict", "seconds"]])
@pytest.mark.parametrize("baseline", [None, "depth=3"])
def test_asked_for_by_name_it_fits_however_long_the_rows_are(values, baseline, tmp_path):
    for number, activation in enumerate(("ReLU", "Sigmoid", "LeakyReLU", "HardTanh")):
        optimizer = {"_target_": "vgp_bench.components.optimizers.SGD", "lr": 10.0**-number, "momentum": 0.5}
        trainer = {"max_epochs": 3 + number, "max_steps": 100 * number, "batch_size": 8}
        keys = {"optimizer": optimizer, "trainer": trainer}
        for depth in (3, 6):
            tables = {"steps": step_rows([2.3] * 80), "probes": probe_rows([1.0] * depth)}
            figures = {"test_accuracy": 0.1, "test_loss": 2.3, "seconds": 12.0}
            make_run(tmp_path, mlp_config(0, depth, activation, **keys), **tables, **figures)
    comparison = compare(find_runs([tmp_path]), values)
    paired = against(comparison, baseline) if baseline else None
    for width in range(60, 121, 4):
        text = render(comparison, width, formats.ASCII, paired)
        assert max(map(len, text.splitlines())) <= width, text
        assert text.count("plateau") == 8
        assert all(name.partition("_")[0] in text for name in values if name != "seconds")


def test_a_verdict_is_folded_before_rows_get_numbers(tmp_path):
    healthy(tmp_path, 0)
    vanished(tmp_path, 1)
    comparison = compare(find_runs([tmp_path]), ["verdict"])
    # depth, activation, n and `vanishing` are 5, 10, 1 and 9 characters wide, with 2 between them: 31
    lines = render(comparison, 31, formats.ASCII).splitlines()
    assert "depth  activation  n  verdict" in lines
    place = lines.index("    6  sigmoid     1  vanishing")
    assert lines[place + 1].strip() == "(depth)"
