"""`vgp-bench doctor` as it is typed, on small real networks."""

import contextlib
import math
import os
import signal
import time
from pathlib import Path

import pytest

from tests.composing import compose
from tests.made_cases import losses_stuck, made_case
from vgp_bench.cli import main
from vgp_bench.diagnosis.judge import diagnose
from vgp_bench.diagnosis.known import Known
from vgp_bench.diagnosis.updates import update_ratio
from vgp_bench.doctor import search, trying
from vgp_bench.doctor.changes import Change, change, range_test, single_changes
from vgp_bench.doctor.search import Budget, Search
from vgp_bench.doctor.trying import Trials
from vgp_bench.records.reading import find_runs, read_run

SIGMOIDS = ["architecture.depth=8", "architecture.width=24", "activation=sigmoid", "initializer=xavier_normal"]
COMMON = ["optimizer.lr=0.05", "trainer.batch_size=64", "device=cpu", "progress=false"]
ILL = ["doctor", *SIGMOIDS, *COMMON, "--steps", "60"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "results" / "doctor"


def starts(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main([*ILL, *words]) == 0
    return capsys.readouterr().out.splitlines()


def test_a_deep_sigmoid_network_is_judged_and_repaired(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = starts(capsys, "--max-runs", "9")
    assert max(map(len, lines)) <= 80
    assert lines[:2] == ["as it is, after 60 steps", "verdict   vanishing (depth), certain"]
    assert any(line.startswith("   as it is ") and "vanishing" in line for line in lines)
    best = next(line for line in lines if line.startswith("1  "))
    assert " healthy " in best
    assert len(find_runs([folder])) <= 9
    start = next(number for number, line in enumerate(lines) if line.startswith("vgp-bench run "))
    command = lines[start : lines.index("", start)]
    assert command[0].startswith("vgp-bench run architecture.depth=8 architecture.width=24 ")
    assert all(line.endswith(" \\") for line in command[:-1])
    assert "trainer.max_steps" not in " ".join(command)
    assert "rounds: successive halving (Jamieson & Talwalkar 2016)" in " ".join(lines)
    assert f"runs: vgp-bench compare {folder.relative_to(Path.cwd())}" in lines


def test_the_same_command_again_trains_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = starts(capsys, "--max-runs", "5")
    written = {path: path.stat().st_mtime_ns for path in folder.glob("*/summary.json")}
    assert 3 <= len(written) <= 5
    assert starts(capsys, "--max-runs", "5") == lines
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/summary.json")} == written


def test_a_healthy_network_is_left_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["doctor", "architecture.depth=2", "architecture.width=24", *COMMON, "--steps", "60", "--max-runs", "3"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "verdict   healthy, certain" in printed
    assert "Nothing to mend; --anyway looks for something better." in printed
    assert len(find_runs([folder])) == 1
    assert main([*words, "--anyway"]) == 0
    assert "changes apply" in capsys.readouterr().out
    assert len(find_runs([folder])) > 1


def test_the_run_takes_as_many_steps_as_are_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not more than the user's own training has, and probed ten times, whatever its monitor says."""
    words = ["trainer.max_steps=30", "monitor=off", "trainer.max_epochs=1", "--max-runs", "2"]
    lines = starts(capsys, *words)
    assert lines[0] == "as it is, after 30 steps"
    for run in find_runs([folder]):
        assert len(run.rows("steps")) == 30
        assert run.rows("probes")["step"].nunique() >= 10


@pytest.mark.parametrize(
    ("words", "steps"),
    [
        ("architecture=mlp architecture.depth=2 architecture.width=8", 200),
        ("architecture=rnn architecture.hidden=4", 1000),
        ("architecture=rnn architecture.hidden=4 --steps 25", 25),
        ("architecture=rnn architecture.hidden=4 trainer.max_steps=30", 30),
    ],
)
def test_the_steps_are_those_of_the_kind_of_network(words: str, steps: int, folder: Path) -> None:
    """Unless they are asked for; a verdict of `undecided` after few of them asks for more, with exit status 2."""
    main(["doctor", *words.split(), *COMMON[1:], "--max-runs", "2", "--minutes", "0.0001"])
    assert len(find_runs([folder])[0].rows("steps")) == steps


def test_when_the_time_is_up_no_run_is_begun(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = starts(capsys, "--minutes", "0.0001")
    assert len(find_runs([folder])) == 1
    words = " ".join(" ".join(lines).split())
    assert (
        "not tried, the time was up: architecture=residual_mlp architecture.residual=rezero; normalizer=batch; "
        in words
    )


def test_ctrl_c_tells_what_is_there(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = []

    class Stopping(trying._Watch):
        def ended(self, task, outcome):  # type: ignore[no-untyped-def]
            ended.append(outcome.state)
            if len(ended) == 3:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.1)
            return super().ended(task, outcome)

    monkeypatch.setattr(trying, "_Watch", Stopping)
    assert main([*ILL, "--max-runs", "9"]) == 130
    printed = capsys.readouterr()
    assert "stopped: the same command goes on from there" in printed.err
    rows = [line for line in printed.out.splitlines() if line[:1].isdigit() and not line.startswith("11")]
    assert [line[0] for line in rows if line[1] == " "] == ["1", "2"]  # the first of the three was the network itself
    assert "not tried, stopped: " in printed.out


def test_if_nothing_helps_it_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of two runs the one change tried is a tenth of a rate that no tenth mends."""
    words = [
        "architecture=mlp",
        "architecture.depth=3",
        "architecture.width=16",
        "activation=identity",
        "optimizer.lr=900",
    ]
    assert main(["doctor", *words, *COMMON[1:], "--steps", "30", "--max-runs", "3", "optimizer=rmsprop"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert ("best: " in printed) != ("nothing that was tried repairs it" in printed)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--minutes", "0"], "--minutes 0: write a number above 0, say --minutes 5"),
        (["--minutes", "soon"], "--minutes soon: write a number above 0"),
        (["--max-runs", "1"], "--max-runs 1: write a whole number, 2 or more"),
        (["--steps", "5"], "--steps 5: write a whole number, 20 or more"),
        (["seeds=2"], "these words compose 2 runs, and doctor looks at one"),
        (["architecture.depht=5"], "architecture.depht: architecture has no such key. Did you mean depth?"),
        (["dataset=mnist", "data_dir=nowhere", "--steps", "20"], "the network as it is came to no result: "),
        (["--what"], "doctor has no option --what; see"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(
    words: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", *words]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert not folder.exists()


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["doctor", "--help"], ["doctor", "activation=tanh", "--help"]):
        with contextlib.suppress(SystemExit):  # argparse leaves by itself where the flag stands first
            assert main(words) == 0
        assert "successive halving" in capsys.readouterr().out


def base_of(*words: str) -> Change:
    return Change((), words, compose(*words))


def test_rates_go_around_the_present_one_and_around_steps_of_a_thousandth() -> None:
    """The largest update ratio of the stages is 1e-5, at a rate of .01: a rate of 1 makes it 1e-3."""
    case = made_case(losses_stuck(), layers=[{"update_ratio": 1e-6}, {"update_ratio": 1e-5}], probed=(0, 1))
    assert update_ratio(case) == pytest.approx(1e-5)
    base = base_of().composed
    words = [r.overrides[0] for r in range_test(Known(base.choices, base.config, update_ratio=update_ratio(case)))]
    expected = [0.032, 0.0032, 0.1, 0.001, 1, 3.2, 0.32]
    assert [float(word.removeprefix("optimizer.lr=")) for word in words] == expected
    assert math.isnan(update_ratio(made_case()))
    assert len(range_test(Known(base.choices, base.config))) == 4


def test_a_change_that_cannot_be_is_left_out() -> None:
    base = base_of("architecture=rnn", "architecture.hidden=8", "activation=tanh")
    assert change(base, ("architecture.depth=3",)) is None
    found = change(base, ("architecture=lstm", "architecture.forget_bias=1"))
    assert found is not None
    assert found.composed.config["architecture"]["hidden"] == 8


@pytest.mark.parametrize("architecture", ["mlp", "plain_cnn", "lstm", "transformer", "resnet"])
def test_there_are_changes_for_every_network(architecture: str) -> None:
    base = base_of(f"architecture={architecture}")
    stages = [{"sensitivity": 10.0**-place} for place in (9, 6, 3, 0, 0)]
    case = made_case(losses_stuck(), stages=stages, choices=base.composed.choices, config=base.composed.config)
    diagnosis = diagnose(case)
    assert diagnosis.label == "vanishing (depth)"
    changes = single_changes(base, diagnosis, case)
    assert len(changes) >= 6
    assert len({one.name for one in changes}) == len(changes)
    offered = [remedy.overrides for remedy in diagnosis.remedies if remedy.overrides]
    assert [one.overrides for one in changes[: len(offered)]] == offered


def test_a_failed_run_is_ranked_last_and_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A group norm of 8 groups cannot be built on 12 units; batch norm can."""
    base = base_of(*SIGMOIDS[:1], "architecture.width=12", *SIGMOIDS[2:], *COMMON)
    with Trials("doctor", ["doctor"], visible=False) as trials:
        found = Search(base, Budget(30, 5.0, 4), trials)
        found.examine()
        wrong, right = change(base, ("normalizer=group",)), change(base, ("normalizer=batch",))
        assert wrong is not None
        assert right is not None
        results = trials.run([found._attempt(wrong, 1.0), found._attempt(right, 1.0)], "")
    assert results[0].record is None
    assert "groups" in results[0].reason
    assert results[1].record is not None
    from vgp_bench.doctor.flow import statistic_of
    from vgp_bench.doctor.ranking import ranked

    assert found.before[0].diagnosis is not None
    standings = ranked([[results[0]], [results[1]]], found.before, statistic_of(found.before[0].diagnosis))
    assert [one.change for one in standings] == [right, wrong]
    assert standings[1].failed == results[0].reason
    assert search.Budget().runs == 40
    assert read_run(results[1].record.path).state == "completed"
