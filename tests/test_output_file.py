"""-o FILE: one rule for every command. Folders are made, and what cannot be written is told before the work."""

import errno
import os
from pathlib import Path

import pytest

from tests.made_runs import layer_rows, make_run, mlp_config
from vgp_bench.cli import main
from vgp_bench.errors import DiskFull, ResultsError
from vgp_bench.report.output_file import check_output, to_file, write_text

SMALL = ["architecture.width=8", "architecture.depth=2", "device=cpu"]
CALLS = {
    "compare": (["compare", "results"], "x.csv"),
    "diagnose": (["diagnose", "results"], "x.json"),
    "plot": (["plot", "gradient-depth", "results"], "x.svg"),
    "report": (["report", "results"], "x.html"),
    "probe": (["probe", *SMALL], "x.svg"),
    "probe --depths": (["probe", *SMALL, "--depths", "2,3"], "x.svg"),
    "reproduce": (["reproduce", "sigmoid-decay"], "x.md"),
}


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_run(Path("results"), mlp_config(), layers=layer_rows([0.5, 1.0]), test_accuracy=0.5)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("in_the_way", "message"),
    [
        ("file", "vgp-bench: a file is in the way: cannot write there/{0}; name a file elsewhere\n"),
        ("folder", "vgp-bench: cannot write there/{0}: it is a folder; name a file in it\n"),
    ],
)
def test_what_cannot_be_written_is_told_before_the_work(
    call: str, in_the_way: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words, name = CALLS[call]
    if in_the_way == "file":
        Path("there").write_text("")
    else:
        Path("there", name).mkdir(parents=True)
    assert main([*words, "-o", f"there/{name}"]) == 2
    assert capsys.readouterr() == ("", message.format(name))


@pytest.mark.parametrize("call", sorted(set(CALLS) - {"reproduce"}))  # whose work takes seconds
def test_folders_that_are_not_there_are_made(call: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, name = CALLS[call]
    assert main([*words, "-o", f"new/er/{name}"]) == 0
    assert capsys.readouterr().out.endswith(f"new/er/{name}\n")
    assert Path("new/er", name).stat().st_size > 0


def test_asking_leaves_no_trace() -> None:
    check_output("a/b/c.txt")
    assert os.listdir() == ["results"]
    write_text(Path("kept.txt"), "old")
    check_output("kept.txt")
    assert Path("kept.txt").read_text() == "old"


@pytest.mark.parametrize(
    ("number", "kind", "message"),
    [
        (errno.ENOSPC, DiskFull, "disk full: cannot write x.csv; name a file elsewhere"),
        (errno.EACCES, ResultsError, "permission denied: cannot write x.csv; name a file elsewhere"),
        (errno.EIO, ResultsError, "Input/output error: cannot write x.csv; name a file elsewhere"),
    ],
)
def test_the_advice_is_not_that_of_a_run(number: int, kind: type[ResultsError], message: str) -> None:
    with pytest.raises(ResultsError) as told, to_file(Path("x.csv")):
        raise OSError(number, os.strerror(number))
    assert (type(told.value), str(told.value)) == (kind, message)


@pytest.mark.parametrize("kind", [ResultsError, DiskFull])
def test_what_is_not_about_writing_is_told_as_it_is(kind: type[ResultsError]) -> None:
    with pytest.raises(kind) as told, to_file(Path("x.md")):
        raise kind("results/a1/steps.parquet is damaged")
    assert str(told.value) == "results/a1/steps.parquet is damaged"
