"""Formats: each read back by a reader of its kind; hostile names; the LaTeX really compiled."""

import csv
import io
import json
import math
import re
import shutil
import subprocess

import pandas as pd
import pytest

from tests.made_runs import make_run, mlp_config
from vgp_bench.compare import against, compare, pivot
from vgp_bench.records.reading import find_runs
from vgp_bench.report.tables.export_csv import to_csv
from vgp_bench.report.tables.export_json import to_json
from vgp_bench.report.tables.export_latex import escaped, to_latex
from vgp_bench.report.tables.export_markdown import to_markdown
from vgp_bench.report.tables.formats import UNICODE
from vgp_bench.report.tables.sheet import sheet
from vgp_bench.report.tables.table import render

HOSTILE = ["a_b & 50% #1 $x$ \\foo", "{}~^<|>\"'`--[*] é λ 中\n\\end{tabular}"]


@pytest.fixture
def comparison(tmp_path):
    for name in HOSTILE:
        for seed in range(3):
            ratio = 0.0 if name == HOSTILE[0] else 3e-12
            make_run(tmp_path, mlp_config(seed, note=name), state="diverged" if seed == 2 else "completed",
                     test_accuracy=0.5 + 0.25 * seed, initial_gradient_ratio=ratio, seconds=math.inf)  # fmt: skip
    return compare(find_runs([tmp_path]))


def test_csv_is_read_back_by_pandas_and_csv(comparison):
    text = to_csv(comparison, against(comparison, f"note={HOSTILE[0]}"))
    frame = pd.read_csv(io.StringIO(text))
    assert sorted(frame["note"]) == sorted(HOSTILE)
    assert frame["n"].tolist() == [2, 2]
    assert frame["diverged"].tolist() == [1, 1]
    assert frame["test_accuracy"].tolist() == [0.625, 0.625]  # of 0.5 and 0.75, a fraction
    assert frame["test_accuracy_low"].tolist() == [0.5, 0.5]
    assert frame["divergence_rate"].tolist() == [pytest.approx(1 / 3)] * 2
    assert frame["test_accuracy_diff"].dropna().tolist() == [0.0]
    assert sorted(frame["baseline"]) == ["2", "baseline"]
    assert frame["train_accuracy"].isna().all()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["seconds"] == "inf"
    assert all(None not in row and len(row) == len(frame.columns) for row in rows)


def test_csv_of_a_layout_is_a_row_a_group_with_its_keys_first(comparison):
    text = to_csv(comparison, layout=pivot(comparison, ["architecture"], ["note"]))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0])[:2] == ["architecture", "note"]
    assert [row["architecture"] for row in rows] == ["mlp", "mlp"]


def test_json_is_strict_and_whole(comparison):
    def refuse(name):
        raise AssertionError(name)

    comparison.notes.append("a note")
    content = json.loads(to_json(comparison, against(comparison, f"note={HOSTILE[0]}")), parse_constant=refuse)
    by_name = {group["settings"]["note"]: group for group in content["groups"]}
    hostile = by_name[HOSTILE[1]]
    assert hostile["runs"] == {"completed": 2, "diverged": 1, "failed": 0, "interrupted": 0, "lost": 0, "running": 0}
    assert hostile["metrics"]["test_accuracy"] == {"n": 2, "mean": 0.625, "low": 0.5, "high": 0.75}
    assert hostile["metrics"]["train_accuracy"]["mean"] is None
    assert hostile["metrics"]["seconds"]["mean"] == "inf"
    assert hostile["metrics"]["steps_to_0.9"]["never"] == 0
    assert hostile["baseline"]["settings"] == {"note": HOSTILE[0]}
    assert hostile["baseline"]["differences"]["test_accuracy"]["mean"] == 0.0
    assert len(hostile["paths"]) == 3
    assert content["metrics"]["test_accuracy"]["unit"] == "fraction"
    assert content["constants"]["architecture"] == "mlp"
    assert content["notes"] == ["a note"]


def test_markdown_rows_have_as_many_cells_as_the_header(comparison):
    comparison.notes.append("a note | of two")
    lines = to_markdown(sheet(comparison, UNICODE)).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 4
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1
    assert "50% \\#1 \\$x\\$ \\\\foo" in "".join(table)
    assert "- a note \\| of two" in lines
    assert "62.5" in "".join(table)
    assert any("1 diverged" in line for line in table)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("layout", [False, True])
def test_latex_compiles_and_prints_the_names(comparison, tmp_path, layout):
    comparison.notes.append("50 % of\nall")
    found = against(comparison, f"note={HOSTILE[0]}")
    made = sheet(comparison, UNICODE, found, pivot(comparison, ["architecture"], ["note"]) if layout else None)
    (tmp_path / "table.tex").write_text(to_latex(made))
    document = "\\documentclass{article}\\usepackage{booktabs}\\usepackage[paperwidth=300cm,margin=1cm]{geometry}"
    (tmp_path / "all.tex").write_text(f"{document}\\begin{{document}}\\input{{table}}\\end{{document}}")
    call = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "all.tex"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    if shutil.which("pdftotext"):
        text = subprocess.run(
            ["pdftotext", "-layout", "all.pdf", "-"], cwd=tmp_path, capture_output=True, text=True
        ).stdout
        assert "50% #1 $x$ \\foo" in text
        assert "[U+03BB]" in text
        assert "62.5" in text


def test_latex_needs_no_more_than_booktabs(comparison):
    text = to_latex(sheet(comparison, UNICODE))
    assert text.splitlines()[0] == "% needs \\usepackage{booktabs}"
    assert "$3.0 \\times 10^{-12} \\mathbin" in text
    assert escaped("50% & a_b") == "50\\% \\& a\\_b"
    body = [line for line in text.splitlines() if not line.startswith("%")]
    assert [line for line in body if "rule" in line] == ["\\toprule", "\\midrule", "\\bottomrule"]


def test_pivot_in_the_terminal_has_every_cell_where_it_belongs(tmp_path):
    for depth, activation, accuracy in ((3, "ReLU", 0.9), (3, "Tanh", 0.8), (20, "ReLU", 0.7)):
        make_run(tmp_path, mlp_config(0, depth, activation), test_accuracy=accuracy, seconds=12.0)
    make_run(tmp_path, mlp_config(1, 20, "ReLU"), state="diverged")
    comparison = compare(find_runs([tmp_path]))
    lines = [
        line.split("  ")
        for line in render(comparison, 80, layout=pivot(comparison, ["activation"], ["depth"])).splitlines()
    ]
    texts = [[part.strip() for part in line if part.strip()] for line in lines]
    assert ["activation", "depth=3", "depth=20"] in texts
    assert ["relu", "90.0", "70.0 (1 diverged)"] in texts
    assert ["tanh", "80.0"] in texts
    several = compare(find_runs([tmp_path]), ["test_accuracy", "seconds"])
    text = render(several, 80, layout=pivot(several, ["activation"], ["depth"]))
    assert re.search(r"relu +90\.0 +12 +70\.0 \(1 diverged\) +12 \(1 diverged\)", text)
    assert re.search(r"depth=3 +depth=20", text)


def test_differences_are_written_beside_their_metric(tmp_path):
    for activation, good in (("ReLU", 0.9), ("Tanh", 0.8)):
        for seed in range(3):
            make_run(tmp_path, mlp_config(seed, 3, activation), test_accuracy=good + 0.01 * seed,
                     initial_gradient_ratio=1.0 if activation == "ReLU" else 0.25)  # fmt: skip
    comparison = compare(find_runs([tmp_path]), ["test_accuracy", "initial_gradient_ratio"])
    text = render(comparison, 120, baseline=against(comparison, "activation=relu"))
    assert re.search(r"relu +3 +baseline +91\.0 ±2\.5 +- +1\.00 ×÷1\.00 +-", text)
    assert re.search(r"tanh +3 +3 +81\.0 ±2\.5 +-10\.0 ±0\.0 +0\.25 ×÷1\.00 +×0\.25 ×÷1\.00", text)
    assert (
        "activation=relu and otherwise the same settings, seed by seed; pairs: seeds completed in both"
        in text.replace("\n  ", " ")
    )


def test_six_differing_keys_stay_readable_at_80(tmp_path):
    for i in range(2):
        config = mlp_config(0, 3 + i, "ReLU" if i else "Sigmoid")
        config["architecture"] |= {"_target_": f"x.{'ResidualPerceptron' if i else 'MLP'}", "width": 64 + i}
        config["optimizer"] = {"_target_": f"torch.optim.{'SGD' if i else 'Adam'}"}
        config |= {"initializer": {"_target_": f"x.{'xavier_normal' if i else 'he_normal'}"}, "images_as": f"rows_{i}"}
        words = {"architecture": "residual_mlp" if i else "mlp", "activation": f"sigmoid_{i}"}
        make_run(tmp_path, config, words, test_accuracy=0.5, seconds=3.0)
    comparison = compare(find_runs([tmp_path]))
    assert len(comparison.settings) >= 5
    text = render(comparison, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert not re.search(r"^row", text, flags=re.M)
    assert "50.0" in text
