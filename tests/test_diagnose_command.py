"""`vgp-bench diagnose` as typed, on runs whose fault was put in by hand."""

import csv
import io
import json
import sys
from pathlib import Path

import pytest

from tests.judged_runs import broken_late, healthy, unprobed, vanished
from tests.made_runs import make_run, mlp_config, probe_rows, step_rows
from vgp_bench.cli import main
from vgp_bench.compare.diagnoses import diagnose_runs
from vgp_bench.diagnosis.figures import COLUMNS
from vgp_bench.diagnosis.rule_sets import rule_sets
from vgp_bench.records.reading import find_runs
from vgp_bench.report.tables.diagnoses import render_diagnoses

OTHERS = ["articles", "autotrainer", "deepchecker", "deepdiagnosis", "sagemaker"]


@pytest.fixture(autouse=True)
def wide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def said(capsys, *words):
    assert main(["diagnose", *map(str, words)]) == 0
    return capsys.readouterr().out.splitlines()


@pytest.fixture
def several(tmp_path):
    """Two healthy, one vanished, one that diverges at step 40, one without probes."""
    folder = tmp_path / "results"
    return [healthy(folder, 1), healthy(folder, 0), vanished(folder), broken_late(folder), unprobed(folder)]


def test_one_run_is_told_with_evidence_and_remedies(capsys):
    lines = said(capsys, vanished(Path("results")))
    assert lines[0].startswith("verdict   vanishing (depth), ")
    assert lines[1] == "seen      h0 cannot move the outputs, from the start"
    assert lines[2].endswith(" 1e-11 (limit 0.001)")  # .1 at the sixth stage, two decades less at each below
    assert [line[:10] for line in lines[4:]] == ["try       ", *["or        "] * (len(lines) - 5)]
    assert "architecture=residual_mlp architecture.residual=rezero" in lines[4]


def test_one_run_is_folded_below_its_text(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    lines = said(capsys, vanished(Path("results")))
    assert max(map(len, lines)) <= 60
    assert all(line[9] == " " and line[10] != " " for line in lines)


def test_several_are_sorted_as_compare_does_and_counted(several, capsys):
    lines = said(capsys, "results")
    made = [f"{path.name}" for path in (several[1], several[0], several[3], several[2], several[4])]
    assert lines[0] == "all runs: mlp  SGD  lr=0.1"
    assert [line for line in lines[1:] if line and not line.startswith(" ")] == [
        f"healthy            {made[0]}  depth=3, relu, seed=0",
        f"healthy            {made[1]}  depth=3, relu, seed=1",
        f"diverged           {made[2]}  depth=3, tanh, seed=0",
        f"vanishing (depth)  {made[3]}  depth=6, sigmoid, seed=0",
        f"plateau            {made[4]}  depth=9, relu, seed=0",
        "5 runs: 2 healthy, 1 diverged, 1 vanishing (depth), 1 plateau",
        f"no probes on record: judged by loss and layers alone: {made[4]}",
    ]
    reasons = [line.strip() for line in lines if line.startswith("    ")]
    assert reasons[0].startswith("the loss is no longer finite at step 40; try optimizer.lr=0.01")
    assert reasons[1].startswith("h0 cannot move the outputs (1e-11, limit 0.001) from the start")
    assert len(reasons) == 3  # none for the healthy ones


def test_of_several_one_that_has_hardly_learned_says_so(capsys):
    steps = step_rows([2.3] * 60 + [2.3 - 0.01 * step for step in range(40)])  # a sixth of the loss is gone
    hardly = make_run(Path("results"), mlp_config(0, 4), steps=steps, probes=probe_rows([1.0] * 4), test_accuracy=0.2)
    learned = healthy(Path("results"))
    lines = said(capsys, "results")
    assert f"healthy           {learned.name}  depth=3, seed=0" in lines
    place = lines.index(f"healthy (likely)  {hardly.name}  depth=4, seed=0")
    assert lines[place + 1].startswith("    the loss went from 2.3 to 2")
    assert lines[-1] == "2 runs: 1 healthy, 1 healthy (likely)"


def test_where_chooses(several, capsys):
    assert said(capsys, "results", "--where", "activation=Tanh")[0] == "verdict   diverged, certain"


def test_step_judges_what_was_known_then(several, capsys):
    run = several[3]
    assert said(capsys, run)[0] == "verdict   diverged, certain"
    assert said(capsys, run, "--step", 39)[0] == "verdict   healthy, certain"
    assert said(capsys, run, "--step", 3)[0].startswith("verdict   undecided")
    assert said(capsys, run, "--step", 999)[0] == "verdict   diverged, certain"


@pytest.mark.parametrize(
    ("step", "told"), [(39, ""), (40, "--step 40: the record ends at step 39, and is judged there\n")]
)
def test_a_step_beyond_the_end_is_told(step, told, capsys):
    assert main(["diagnose", str(healthy(Path("results"))), "--step", str(step)]) == 0
    printed = capsys.readouterr()
    assert printed.err == told
    assert printed.out.startswith("verdict   healthy")


def test_of_several_runs_those_that_end_before_the_step_are_named(several, capsys):
    assert main(["diagnose", "results", "--step", "40", "--format", "csv"]) == 0  # the others have 41 and 80 steps
    names = ", ".join(several[place].name for place in (1, 0, 2))
    assert capsys.readouterr().err == f"--step 40: 3 of 5 records end before it, and are judged there: {names}\n"
    for seed in (2, 3, 4):
        healthy(Path("results"), seed)
    assert main(["diagnose", "results", "--step", "40"]) == 0
    assert capsys.readouterr().err.endswith(", ...\n")


def test_a_run_without_a_step_is_told_to_have_none(capsys):
    assert main(["diagnose", str(make_run(Path("results"), mlp_config())), "--step", "5"]) == 0
    assert capsys.readouterr().err == "--step 5: no step is on record\n"


def test_a_terminal_is_told_what_it_waits_for(capsys, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    healthy(Path("results"))
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert main(["diagnose", "results"]) == 0
    assert "reading ..." in sys.stderr.getvalue()
    assert sys.stderr.getvalue().rpartition("reading ...")[2].strip("\r\x1b[A ") == ""  # and gone


def test_a_run_without_probes_is_judged_by_the_rest(capsys):
    lines = said(capsys, unprobed(Path("results")))
    assert lines[0] == "verdict   plateau, likely"
    assert lines[-1] == "note      no probes on record: judged by loss and layers alone"


def test_damaged_runs_are_named_and_the_others_judged(several, capsys):
    (several[0] / "steps.parquet").write_bytes(b"PAR1")
    (several[4] / "status.json").write_text("{")
    lines = said(capsys, "results")
    assert lines[-3].startswith("left out: damaged: ")
    assert {several[0].name, several[4].name} == {name for name in (s.name for s in several) if name in
                                                  " ".join(line for line in lines if "left out" in line)}  # fmt: skip
    assert lines[-1].startswith("3 runs: ")
    assert main(["diagnose", "results", "--format", "csv"]) == 0
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.parametrize("file", ["steps.parquet", "status.json"])
def test_nothing_but_damage_is_one_line(file, capsys):
    (healthy(Path("results")) / file).write_bytes(b"{")
    assert main(["diagnose", "results"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert file in printed.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--rules sagemakr", "--rules sagemakr: no such rules. Did you mean sagemaker? There are: ours, articles, "
         "autotrainer, deepchecker, deepdiagnosis, sagemaker, all"),
        ("--step -1", "--step -1: steps are counted from 0"),
        ("-o verdicts.md", "-o verdicts.md: name a file that ends in .txt, .csv, .json, or give --format"),
        ("--where depth=4", "--where depth=4: no run is left; architecture.depth is 3 in the others"),
        ("nowhere", "no such folder: nowhere"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(words, message, capsys):
    healthy(Path("results"))
    assert main(["diagnose", "results", *words.split()]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert message in printed.err


def test_csv_has_a_row_a_run(several, capsys):
    assert main(["diagnose", "results", "-o", "new/v.csv", "--rules", "ours,sagemaker"]) == 0
    assert capsys.readouterr().out == "new/v.csv\n"
    with Path("new/v.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["path", "architecture.depth", "activation", "seed", *COLUMNS, "sagemaker"]
    row = rows[3]
    assert row["path"] == str(Path("results") / "made" / several[2].name)
    told = {key: row[key] for key in ("verdict", "axis", "stage", "place", "lag", "onset", "threshold", "seen")}
    assert told == {
        "verdict": "vanishing", "axis": "depth", "stage": "0", "place": "h0", "lag": "", "onset": "0",
        "threshold": "0.001", "seen": "39",
    }  # fmt: skip
    assert float(row["value"]) == pytest.approx(1e-11)
    assert row["remedies"].startswith("architecture=residual_mlp architecture.residual=rezero; ")
    assert [row["verdict"] for row in rows] == ["healthy", "healthy", "diverged", "vanishing", "plateau"]
    assert rows[0]["value"] == rows[0]["axis"] == ""


def test_json_says_the_same_in_strict_json(several, capsys):
    assert main(["diagnose", "results", "--format", "json"]) == 0
    content = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert content["settings"] == ["architecture.depth", "activation"]
    assert [run["verdict"] for run in content["runs"]] == ["healthy", "healthy", "diverged", "vanishing", "plateau"]
    assert content["runs"][3]["value"] == pytest.approx(1e-11)
    assert [content["runs"][0][key] for key in ("value", "axis", "problem")] == [None] * 3


def test_the_rules_of_others_stand_beside_ours(several, capsys):
    assert list(rule_sets()) == ["ours", *OTHERS]
    lines = said(capsys, "results", "--rules", "ours,deepdiagnosis")
    head = next(line for line in lines if line.startswith("run "))
    assert head.split() == ["run", "ours", "deepdiagnosis"]
    row = next(line for line in lines if line.startswith(several[3].name))
    assert row.split() == [several[3].name, "depth=3,", "tanh,", "seed=0", "diverged", "diverged"]
    assert "ours: 2 x healthy, 1 x diverged, 1 x vanishing (depth), 1 x plateau" in lines


def test_of_several_findings_of_one_rule_set_all_are_shown_and_counted_together(several, capsys, monkeypatch):
    monkeypatch.setitem(rule_sets(), "sagemaker", lambda case: ["vanishing", "dead units"])
    lines = said(capsys, several[0], "--rules", "sagemaker")
    assert lines[2].split() == [several[0].name, "seed=1", "vanishing"]
    assert lines[3].split() == ["dead", "units"]
    assert lines[-1] == "sagemaker: 1 x vanishing + dead units"
    monkeypatch.setitem(rule_sets(), "sagemaker", lambda case: [])
    assert said(capsys, several[0], "--rules", "sagemaker")[-1] == "sagemaker: 1 x healthy"


def test_all_rule_sets_fit_eighty_columns(several):
    make_run(Path("results"), mlp_config(depth=123, activation="Hardswish"))  # nothing on record
    found = diagnose_runs(find_runs(["results"]), ["ours", *OTHERS])
    text = render_diagnoses(found, 80)
    assert max(map(len, text.splitlines())) <= 80
    for word in ("autotrai", "deepchec", "deepdiag", "sagemaker", "articles", "ours", "vanishing", "undecided"):
        assert word in text


def test_help_teaches_options_and_examples(capsys):
    with pytest.raises(SystemExit):
        main(["diagnose", "--help"])
    out = capsys.readouterr().out
    for word in ("--rules", "--step", "--where", "examples", "vgp-bench diagnose results/study --step 50", *OTHERS):
        assert word in out
