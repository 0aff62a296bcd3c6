"""`vgp-bench reproduce` and `vgp-bench myths` as they are typed, on the real first claim."""

import argparse
import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.image
import pytest

from vgp_bench.claims.evidence import Evidence, Observed
from vgp_bench.claims.gathering import Gathered
from vgp_bench.claims.judgement import Judgement
from vgp_bench.claims.registry import claims
from vgp_bench.claims.reproducing import Reproduction
from vgp_bench.claims.text import detail, ran
from vgp_bench.cli import main
from vgp_bench.commands.reproducing import _tell
from vgp_bench.errors import ResultsError
from vgp_bench.records.reading import find_runs

CLAIM = ["reproduce", "sigmoid-decay", "--seeds", "3", "--device", "cpu"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the claim has been run."""
    folder = tmp_path_factory.mktemp("home")
    old = Path.cwd()
    os.chdir(folder)
    try:
        assert main([*CLAIM, "-o", "claims.html"]) == 0
    finally:
        os.chdir(old)
    return folder


@pytest.fixture
def there(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(home)
    return home


def lines_of(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(list(words)) == 0
    return capsys.readouterr().out.splitlines()


def test_it_says_all_that_belongs_to_a_verdict(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(capsys, *CLAIM)
    assert max(map(len, lines)) <= 80
    assert lines[0] == "sigmoid-decay, init: REPRODUCED"
    labels = [line[:14].strip() for line in lines if line[:14].strip()]
    for label in ("claim", "source", "says", "runs", "shows", "does not show", "contradicted", "picture"):
        assert label in labels
    assert "runs          9 runs, 3 seeds each; all on disk already" in lines
    row = next(line.split() for line in lines if line.startswith("xavier "))
    assert row[1:3] == ["0.2361", "±5%"]
    assert float(row[3]) == pytest.approx(0.2361, rel=0.05)
    assert row[-1] == "REPRODUCED"
    assert "two one-sided t tests: pytorch default, xavier, he" in lines
    picture = there / next(line.split()[-1] for line in lines if line.startswith("picture "))
    assert matplotlib.image.imread(picture).std() > 0.01


def test_a_second_call_runs_nothing(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {run.path: (run.path / "summary.json").stat().st_mtime_ns for run in find_runs([there / "results"])}
    lines_of(capsys, *CLAIM)
    after = {run.path: (run.path / "summary.json").stat().st_mtime_ns for run in find_runs([there / "results"])}
    assert before == after
    assert len(before) >= 9


def test_more_seeds_run_only_what_is_new(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(capsys, *CLAIM[:2], "--seeds", "4", "--device", "cpu")
    assert any("12 runs, 4 seeds each; 3 new" in line for line in lines)


def test_two_seeds_decide_nothing(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(capsys, *CLAIM[:2], "--seeds", "2", "--device", "cpu")
    assert lines[0] == "sigmoid-decay, init: INCONCLUSIVE"
    assert any("2 seeds: 3 or more" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "scale", "many", "told"),
    [
        ("degradation", "smoke", 1, "1 run, 1 seed each"),
        ("degradation", "smoke", 2, "2 runs, 2 seeds each"),
        ("isometry", "init", 1, "1 network, measured untrained, 1 seed each"),
        ("isometry", "init", 2, "2 networks, measured untrained, 2 seeds each"),
    ],
)
def test_one_run_is_no_runs(name: str, scale: str, many: int, told: str) -> None:
    lost = [Observed("xavier", {}, seed, missing="no disk") for seed in range(many)]
    found = Judgement(claims()[name], scale, [], Gathered(Evidence(claims()[name], scale, lost), 0, 0.0))
    assert ran(found).startswith(told)
    assert f"{many} time{'s' * (many > 1)}: no disk" in detail(found)


def test_spoilt_on_purpose_the_verdict_turns_and_is_not_kept(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(capsys, *CLAIM, "--broken", "-o", "broken.md")
    assert lines[0].startswith("sigmoid-decay, init, spoilt on purpose: CONTRADICTED")
    assert "- SPOILT: on purpose" in (there / "broken.md").read_text()
    kept = json.loads((there / "results/reproduce/verdicts/sigmoid-decay-init.json").read_text())
    assert kept["words"] != "CONTRADICTED"


def test_without_a_name_it_lists_the_claims_with_the_latest_verdict(
    there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines_of(capsys, *CLAIM)
    lines = lines_of(capsys, "reproduce")
    place = next(number for number, line in enumerate(lines) if line.startswith("sigmoid-decay  1991  (init "))
    assert lines[place + 1].startswith("  init REPRODUCED (20")
    assert max(map(len, lines)) <= 80


def test_a_myth_is_answered_with_what_was_measured(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines_of(capsys, *CLAIM)
    text = " ".join(" ".join(lines_of(capsys, "myths")).split())
    assert "measured sigmoid-decay, init: pytorch default 0.14" in text
    assert "measured not yet; run `vgp-bench reproduce relu-decay`" in text


def test_the_page_holds_all_it_shows(there: Path) -> None:
    page = (there / "claims.html").read_text()
    assert "REPRODUCED" in page
    assert page.count("data:image/png;base64,") == 1
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_the_table_in_markdown_says_how_it_was_come_by(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines_of(capsys, *CLAIM, "-o", "out/claims.md")
    text = (there / "out/claims.md").read_text()
    for key in ("command: ", "date: 20", "machine: ", "device: cpu", "versions: Python", "code: "):
        assert f"- {key}" in text
    assert "| xavier (factor per layer) | 0.2361 ±5% |" in text


def test_a_page_that_cannot_be_written_asks_for_another_file(
    there: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # As if the place were lost while the runs ran: it is asked for before them.
    monkeypatch.setattr("vgp_bench.commands.reproducing.check", lambda output: None)
    (there / "in_the_way").write_text("")
    assert main([*CLAIM, "-o", "in_the_way/claims.md"]) == 2
    message = "vgp-bench: a file is in the way: cannot write in_the_way/claims.md; name a file elsewhere\n"
    assert capsys.readouterr().err == message


def test_what_fails_beside_the_writing_is_not_told_of_the_file(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        """A pipe whose reader is gone once the file is named."""

        def write(self, text: str) -> int:
            if text == "claims.md":
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
            return super().write(text)

    arguments = argparse.Namespace(output=Path("claims.md"), broken=False)
    found = Judgement(claims()["sigmoid-decay"], "init", [], reason="no disk")
    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(BrokenPipeError):
        _tell([found], Reproduction(None, [], ["vgp-bench"], False), 1, arguments)

    def damaged(*_: object) -> str:
        raise ResultsError("results/a1/steps.parquet is damaged")

    monkeypatch.setattr("vgp_bench.claims.writing.markdown", damaged)
    with pytest.raises(ResultsError, match=r"^results/a1/steps\.parquet is damaged$"):
        _tell([found], Reproduction(None, [], ["vgp-bench"], False), 1, arguments)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sigmoid-dcay"], "sigmoid-dcay: no such claim. Did you mean sigmoid-decay?"),
        (["sigmoid-decay", "--scale", "paper"], "sigmoid-decay has no scale paper; there are: init"),
        (["sigmoid-decay", "--seeds", "none"], "--seeds none: write a whole number, 1 or more"),
        (["sigmoid-decay", "--jobs", "0"], "--jobs 0: write a whole number, 1 or more"),
        (["sigmoid-decay", "-o", "claims.pdf"], "give a file name that ends in .html or .md"),
        (["sigmoid-decay", "--device", "cdua"], "--device cdua: write auto, cpu, cuda or cuda:N"),
        (["--scale", "init"], "which claim? Name it, or add --all"),
        (["sigmoid-decay", "--all"], "--all means every claim"),
        (["sigmoid-decay", "--scale", "tiny"], "invalid choice: 'tiny'"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", *words]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


def test_a_device_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*CLAIM[:4], "--device", "cuda:7", "--results-dir", str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert told.err.startswith("vgp-bench: device=cuda:7: ")
    assert not told.out


def test_data_that_is_not_there_is_no_run_and_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").write_text("a file where the folder of the data should be")
    words = ["--scale", "paper", "--seeds", "1", "--data-dir", str(tmp_path / "data"), "--results-dir", str(tmp_path)]
    assert main(["reproduce", "layer-speeds", "--device", "cpu", *words]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("layer-speeds, paper: NOT RUN")
    assert any(line.startswith("no result     ") for line in lines)
    assert not any(line.startswith("picture ") for line in lines)


def test_a_folder_may_have_any_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "a,b{c}'d"
    lines_of(capsys, *CLAIM, "--seeds", "1", "--results-dir", str(folder))
    assert len(find_runs([folder])) == 3


def test_what_is_damaged_is_measured_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["reproduce", "adam-eps", "--seeds", "3", "--device", "cpu", "--results-dir", str(tmp_path)]
    assert lines_of(capsys, *words)[0].startswith("adam-eps, init: REPRODUCED")
    places = sorted((tmp_path / "reproduce/measured").glob("*.json"))
    for place, damage in zip(places[:3], ["{}", '{"steps": 1}', "["], strict=True):
        place.write_text(damage)
    assert any("; 3 new in" in line for line in lines_of(capsys, *words))


def test_killed_half_way_it_loses_one_run_at_most(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*CLAIM, "--results-dir", str(tmp_path)]
    command = [sys.executable, "-m", "vgp_bench", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    folder = tmp_path / "reproduce"
    while len(list(folder.glob("*/summary.json"))) < 3:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(list(folder.glob("*/summary.json")))
    assert done < 9
    again = lines_of(capsys, *words)
    assert again[0].startswith("sigmoid-decay, init: REPRODUCED")
    (fresh,) = re.findall(r"; (\d+) new in ", " ".join(" ".join(again).split()))
    assert 9 - done <= int(fresh) <= 9 - done + 1  # the last one may have had its figures, but not its end, on disk
