"""`vgp-bench compare` as typed: options, files, one line for a mistake."""

import csv
import json
from pathlib import Path

import pytest

from tests.made_runs import make_run, mlp_config
from vgp_bench.cli import main
from vgp_bench.compare import METRICS


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for depth in (3, 20):
        for seed in range(3):
            make_run(Path("results"), mlp_config(seed, depth), test_accuracy=0.5 + depth / 100)
    make_run(Path("results"), mlp_config(0, 3, experiment_name="again"), test_accuracy=0.53)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("-o table.doc", "-o table.doc: name a file that ends in .txt, .csv, .md, .tex, .json, or give --format"),
        ("--values accuracy", "no metric accuracy. Did you mean"),
        ("--reach 90", "accuracy 90: steps are counted to an accuracy in (0, 1], say 0.9"),
        ("--where depth=4", "--where depth=4: no run is left; architecture.depth is 3, 20 in the others"),
        ("--rows seed", "--rows seed: a table is of means over seeds; choose some of them with --where seed=0"),
        ("--baseline depth=4", "--baseline depth=4: no run has architecture.depth=4; there are: 3, 20"),
        ("--format pdf", "invalid choice: 'pdf'"),
        ("--diff", "--diff compares two runs, not 1; name the folders of two"),
        ("results --diff --where depth=3", "--diff takes two runs and nothing else but -o FILE.txt"),
        ("results --diff", "results/status.json is missing"),
    ],
)
def test_mistakes_are_one_line(words, message, capsys):
    assert main(["compare", "results", *words.split()]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert message in printed.err


@pytest.mark.parametrize(
    ("file", "begins"),
    [
        ("t.txt", "all runs:"),
        ("t.csv", "architecture.depth,"),
        ("t.md", "All runs:"),
        ("t.tex", "% needs"),
        ("T.JSON", "{"),
    ],
)
def test_the_suffix_says_the_format(file, begins, capsys):
    assert main(["compare", "results", "-o", f"new/{file}"]) == 0
    assert capsys.readouterr().out == f"new/{file}\n"
    assert Path("new", file).read_text().startswith(begins)
    assert [path.name for path in Path("new").iterdir()] == [file]


def test_format_wins_over_the_suffix(capsys):
    assert main(["compare", "results", "-o", "table.md", "--format", "json"]) == 0
    assert len(json.loads(Path("table.md").read_text())["groups"]) == 2


def test_notes_of_a_csv_go_to_stderr(capsys):
    assert main(["compare", "results", "--format", "csv", "--where", "depth=3"]) == 0
    printed = capsys.readouterr()
    (row,) = csv.DictReader(printed.out.splitlines())
    assert row["test_accuracy"] == "0.53"
    assert printed.err.splitlines() == [
        "only depth=3: 4 of 7 runs",
        "all runs: seed 0 (2 runs) counted once: the latest completed run",
    ]


def test_table_with_everything_asked_for(capsys):
    words = "compare results --rows activation --columns depth --values test_accuracy --baseline depth=3"
    assert main(words.split()) == 0
    out = capsys.readouterr().out
    assert "+17.0 ±0.0" in out
    assert "baseline" in out
    assert "seed 0 (2 runs) counted once" in out


def test_a_file_in_the_way_is_one_line(capsys):
    Path("taken").write_text("")
    assert main(["compare", "results", "-o", "taken/t.csv"]) == 2
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert "a file is in the way: cannot write taken/t.csv" in printed.err


def test_diff_prints_both_sides(capsys):
    a, b = sorted(Path("results/made").iterdir())[:2]
    assert main(["compare", "--diff", str(a), str(b)]) == 0
    assert capsys.readouterr().out.startswith(f"A: {a} (completed)\nB: {b} (completed)\n")


def test_help_teaches_options_examples_and_every_metric(capsys):
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    out = capsys.readouterr().out
    for word in ("--rows", "--baseline", "--reach", "examples", "steps_to_0.9:", *(f"{name}:" for name in METRICS)):
        assert word in out
