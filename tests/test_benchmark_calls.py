"""The scripts that measure and score: a mistake in the call is one line before the work, and no table is lost."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from benchmarks import __main__ as bench
from benchmarks import faults, gpu_check, live, measuring, overhead, score_doctor, score_forecast, soak, textbook
from benchmarks.calling import leave
from benchmarks.timing import Ratio

from vgp_bench.data.mnist import RAW_MD5
from vgp_bench.errors import DataError

MAINS: dict[str, Callable[[], int | None]] = {
    "bench": bench.main,
    "faults": faults.main,
    "gpu_check": gpu_check.main,
    "score_doctor": score_doctor.main,
    "score_forecast": score_forecast.main,
    "soak": soak.main,
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VGP_DATA_DIR", raising=False)
    Path("file").write_text("")
    Path("full").mkdir()
    Path("full", "old").write_text("")
    raw = Path("images/MNIST/raw")
    raw.mkdir(parents=True)
    for name in RAW_MD5:
        (raw / name).write_text("")


def call(monkeypatch: pytest.MonkeyPatch, script: str, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", [script, *words])
    with pytest.raises(SystemExit) as end:
        leave(f"scripts/{script}", MAINS[script])
    return int(str(end.value.code or 0))


@pytest.mark.parametrize(
    ("call_words", "message"),
    [
        ("bench", "no MNIST in data/MNIST/raw: give the folder that holds MNIST/raw with --data-dir, or download it "),
        ("bench --only measuring --data-dir full", "no MNIST in full/MNIST/raw: give the folder that holds MNIST/raw "),
        ("bench --only textbook", "no MNIST in data/MNIST/raw: "),
        ("bench --data-dir images --cifar full", "--cifar full: it has no folder train; give the one that holds "),
        ("bench --only live --cifar nowhere", "--cifar nowhere: it has no folder train; "),
        ("bench --pairs 0", "argument --pairs: 0: write a whole number, 1 or more"),
        (
            "bench --out file/x.md",
            "argument --out: a file is in the way: cannot write file/x.md; name a file ",
        ),
        ("faults 0", "argument runs: 0: write a whole number, 1 or more"),
        ("faults --keep full", "argument --keep: full: is there already and not an empty folder; name another one"),
        ("faults --out full", "argument --out: cannot write full: it is a folder; name a file in it"),
        ("soak many", "argument runs: many: write a whole number, 1 or more"),
        ("soak --keep file", "argument --keep: file: is there already and not an empty folder; name another one"),
        (
            "score_doctor --only nothing",
            "--only nothing: no network of that name; they stand in scripts/",
        ),
        ("score_doctor --steps 5", "argument --steps: 5: write a whole number, 20 or more"),
        ("score_doctor --out full", "argument --out: cannot write full: "),
        ("score_forecast --only nothing", "--only nothing: no network whose words contain it; see scripts/benchmarks/"),
        ("score_forecast --steps -3", "argument --steps: "),
        ("gpu_check file --device cpu --only mlp", "a file is in the way: cannot write file/table.md; "),
    ],
)
def test_a_mistake_is_told_at_once_and_in_a_line(
    call_words: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script, *words = call_words.split()
    assert call(monkeypatch, script, *words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    last = printed.err.splitlines()[-1]
    assert last.removeprefix(f"scripts/{script}: ").removeprefix("error: ").startswith(message)
    assert "Traceback" not in printed.err
    assert "usage:" in printed.err or len(printed.err.splitlines()) == 1


def ratios(failure: BaseException | None) -> Iterator[Ratio]:
    yield Ratio("the first", 1.25, 1.0, 1.5, "at most 2", 5.0, 4.0)
    if failure:
        raise failure
    yield Ratio("the second", 1.0, 1.0, 1.0, "at most 2", 1.0, 1.0)


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [(DataError("no pixel left"), 2, "scripts/bench: no pixel left\n"), (KeyboardInterrupt(), 130, "interrupted\n")],
)
def test_what_was_measured_is_printed_when_a_later_part_fails(
    failure: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measuring, "benchmark", lambda *words: ratios(failure))
    assert call(monkeypatch, "bench", "--data-dir", "images", "--out", "new/table.md") == code
    printed = capsys.readouterr()
    row = "| the first | 1.250 | 1.00 ... 1.50 | at most 2 | 5 / 4 |\n"
    assert row in printed.out
    assert "Broken off: what is missing was not measured." in printed.out
    assert printed.err.startswith(row)
    assert printed.err.endswith(said)
    assert row in Path("new/table.md").read_text()


def test_every_table_as_far_as_it_got(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def sizes() -> Iterator[overhead.Sized]:
        seconds = overhead.Seconds(0.5, 0.25)
        yield overhead.Sized(100, seconds, seconds, seconds)
        raise DataError("the disk is full")

    monkeypatch.setattr(measuring, "benchmark", lambda *words: ratios(None))
    monkeypatch.setattr(textbook, "benchmark", lambda *words: iter(()))
    monkeypatch.setattr(live, "benchmark", lambda *words: iter(()))
    monkeypatch.setattr(overhead, "overhead", sizes)
    assert call(monkeypatch, "bench", "--data-dir", "images") == 2
    printed = capsys.readouterr().out
    assert "| the second | 1.000 |" in printed
    assert "| 100 | 0.500 | 0.2500 | 1.00 | 0.5000 | 0.500 |" in printed


def test_a_whole_table_does_not_say_that_something_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measuring, "benchmark", lambda *words: ratios(None))
    assert call(monkeypatch, "bench", "--data-dir", "images", "--only", "measuring") == 0
    printed = capsys.readouterr().out
    assert "| the second | 1.000 |" in printed
    assert "Broken off" not in printed
