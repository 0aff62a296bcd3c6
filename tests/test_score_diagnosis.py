"""scripts/score_diagnosis: the figures by hand, the set as its files promise it, the faults it puts in."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.made_tables import epoch_rows, make_tables, step_rows
from vgp_bench.composition import compose
from vgp_bench.config_check import check
from vgp_bench.records.reading import RunRecord, read_run

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from diagnosis_set import outcomes, scores, tables  # noqa: E402
from diagnosis_set.cases import INDEPENDENT, Labelled, read_cases  # noqa: E402
from diagnosis_set.data import images, sequences  # noqa: E402
from diagnosis_set.initial import Edited  # noqa: E402
from diagnosis_set.judging import Judgement  # noqa: E402
from diagnosis_set.meddling import MeddlingAdam, MeddlingSGD, jump, jumps  # noqa: E402
from diagnosis_set.scores import Share  # noqa: E402

from vgp_bench.components.initializers import VarianceScaling  # noqa: E402


def labelled(name: str, kind: Any = "faulty", label: str = "vanishing", **more: Any) -> Labelled:
    label = label if kind == "faulty" else "healthy"
    return Labelled(name, "mlp", "digits", kind, (), label, **more)


def said(*verdicts: str, **more: Any) -> Judgement:
    return Judgement(frozenset(verdicts), ", ".join(verdicts) or "healthy", **more)


# --- the set ---

EVERY = [*read_cases(), *read_cases(INDEPENDENT)]


def test_the_set_is_as_large_as_promised_and_a_third_of_it_is_held_out() -> None:
    cases = read_cases()
    faulty = [case for case in cases if case.kind == "faulty"]
    assert len(faulty) >= 60
    assert len(cases) - len(faulty) >= 60
    for part in (faulty, [case for case in cases if case.kind != "faulty"]):
        assert 0.25 < sum(case.held_out for case in part) / len(part) < 0.4
    assert len({case.name for case in cases}) == len(cases)


def test_a_family_on_a_data_set_is_held_out_as_a_whole() -> None:
    held_out: dict[tuple[str, str], set[bool]] = {}
    for case in read_cases():
        held_out.setdefault((case.family, case.data), set()).add(case.held_out)
    assert all(len(found) == 1 for found in held_out.values())


def test_every_label_is_a_verdict_and_every_look_alike_says_of_what() -> None:
    from typing import get_args

    from vgp_bench.diagnosis.finding import Verdict

    for case in EVERY:
        assert {*case.answers, *([case.like] if case.like else [])} <= set(get_args(Verdict)), case.name
        assert (case.kind == "look-alike") == bool(case.like), case.name


def test_nothing_of_the_independent_part_is_in_another_part() -> None:
    cases, independent = read_cases(), read_cases(INDEPENDENT)
    assert {case.part for case in independent} == {"independent"}
    assert {case.part for case in cases} == {"development", "held out"}
    assert len({case.name for case in EVERY}) == len(EVERY)
    groups = [{(case.family, case.data) for case in part} for part in (cases, independent)]
    assert groups[0].isdisjoint(groups[1])
    assert sum(case.kind == "faulty" for case in independent) >= 50
    assert sum(case.kind != "faulty" for case in independent) >= 40


def test_data_that_are_not_there_leave_their_cases_out_by_name(tmp_path: Path) -> None:
    from diagnosis_set.__main__ import _there

    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    left, absent = _there(EVERY, tmp_path)
    assert absent == ["cifar"]
    assert {case.data for case in EVERY} - {case.data for case in left} == {"cifar"}
    (tmp_path / "cifar" / "train").mkdir(parents=True)
    assert _there(EVERY, tmp_path) == (EVERY, [])


@pytest.mark.parametrize("file", sorted({case.name.partition("/")[0] for case in EVERY}))
def test_the_words_of_a_case_of_every_file_compose_to_a_run_that_can_be(
    file: str,
) -> None:
    case = [case for case in EVERY if case.name.startswith(f"{file}/")][-1]
    (run,) = compose(case.words)
    check(run)
    assert run.config["monitor"]["probe_every"] == 10


def test_of_a_key_that_is_said_twice_the_last_counts() -> None:
    words = {case.name: case.words for case in read_cases()}
    assert [word for word in words["mlp/lr-1e-7"] if word.startswith("optimizer.lr=")] == ["optimizer.lr=1e-7"]
    narrow = [word for word in words["mlp/dropout-.5"] if word.startswith("architecture.width=")]
    assert narrow == []  # a key of the architecture that was replaced


# --- the faults ---


def edited(network: nn.Module, *edits: list[Any]) -> nn.Module:
    torch.manual_seed(0)
    Edited(base=VarianceScaling(), edits=list(edits)).initialize(network, nn.ReLU, torch.zeros(1, 4))
    return network


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 3))


def test_an_edit_meets_the_modules_it_names_and_no_others() -> None:
    plain, changed = edited(network()), edited(network(), ["2", "scale", 0.001], ["2", "bias", -5])
    torch.testing.assert_close(changed[2].weight, 0.001 * plain[2].weight)
    assert (changed[2].bias == -5).all()
    assert torch.equal(changed[0].weight, plain[0].weight)
    assert torch.equal(changed[4].bias, plain[4].bias)


def test_an_edit_that_meets_nothing_is_no_fault_and_says_so() -> None:
    with pytest.raises(ValueError, match=r"no module for hidden\.7"):
        edited(network(), ["hidden.7", "scale", 2])


def test_repeated_rows_silent_units_frozen_layers() -> None:
    changed = edited(network(), ["0", "repeat", 0], ["2", "silence", 0.5], ["4", "freeze", 1])
    assert (changed[0].weight == changed[0].weight[0]).all()
    assert (changed[2].bias == torch.tensor([-100.0] * 3 + [0.0] * 3)).all()
    assert not changed[4].weight.requires_grad
    assert changed[0].weight.requires_grad


def test_gradients_in_other_units_are_the_same_up_to_the_unit() -> None:
    plain, scaled = edited(network()), edited(network(), ["", "gradient", 1e-5])
    x = torch.randn(8, 4)
    assert torch.equal(plain(x), scaled(x))
    for net in (plain, scaled):
        net(x).square().sum().backward()
    for one, other in zip(plain.parameters(), scaled.parameters(), strict=True):
        torch.testing.assert_close(other.grad, 1e-5 * one.grad)


@pytest.mark.parametrize("kind", [MeddlingSGD, MeddlingAdam])
def test_an_optimizer_meddles_once_at_its_step_with_its_parameters(kind: Any) -> None:
    parameters = [nn.Parameter(torch.ones(2)) for _ in range(3)]
    optimizer = kind(parameters, lr=0.0, at=2, first=1, last=1, what="add", value=-60.0)
    seen = []
    for _ in range(5):
        for parameter in parameters:
            parameter.grad = torch.ones(2)
        optimizer.step()
        seen.append([parameter[0].item() for parameter in parameters])
    assert seen == [[1, 1, 1], [1, 1, 1], [1, -59, 1], [1, -59, 1], [1, -59, 1]]


def rates(make: Any, **keys: Any) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=1.0)
    schedule = make(optimizer, 6, **keys)
    found = []
    for _ in range(6):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def test_a_rate_jumps_when_it_is_told_to() -> None:
    assert rates(jump, at=2, length=2, factor=10.0) == [1, 1, 10, 10, 1, 1]
    assert rates(jump, at=4, factor=0.1) == [1, 1, 1, 1, 0.1, 0.1]
    assert rates(jumps, every=3, factor=10.0) == [1, 1, 10, 1, 1, 10]
    assert rates(jumps, start=3, every=3, factor=10.0) == [1, 1, 1, 1, 1, 10]


def test_altered_images(tmp_path: Path) -> None:
    plain = images(tmp_path)
    noisy = images(tmp_path, label_noise=0.5)
    wrong = (plain.train.labels != noisy.train.labels).float().mean().item()
    assert wrong == pytest.approx(0.5 * 0.9, abs=0.05)  # one of ten labels drawn is the right one
    assert torch.equal(plain.validation.labels, noisy.validation.labels)
    unrelated = images(tmp_path, inputs="unrelated").train
    assert len(unrelated.images.flatten(1).unique(dim=0)) <= 8
    first = (unrelated.images == unrelated.images[0]).flatten(1).all(1)
    assert len(unrelated.labels[first].unique()) == 10  # one input, every answer
    assert images(tmp_path, inputs="constant").test.images.unique().numel() == 1
    rare = images(tmp_path, rare=0.1).train.labels
    assert (rare == 0).sum() == (plain.train.labels == 0).sum()
    assert (rare == 1).sum() < 0.3 * (plain.train.labels == 1).sum()
    raw = images(tmp_path, pixels=100.0)
    assert raw.mean.item() == 0
    assert raw.std.item() == pytest.approx(0.01)


def test_altered_sequences_have_the_loss_in_other_units_and_answers_of_others(tmp_path: Path) -> None:
    def sample(**keys: Any) -> tuple[Any, ...]:
        task = sequences(tmp_path, "adding", {"length": 8}, **keys).task
        return task, *task.sample(5, "train", torch.Generator().manual_seed(0))

    plain, x, y = sample()
    scaled, _, _ = sample(loss_scale=1e-5)
    outputs = torch.randn(5, 1)
    torch.testing.assert_close(scaled.objective.loss(outputs, y), 1e-5 * plain.objective.loss(outputs, y))
    assert scaled.chance.loss == pytest.approx(1e-5 / 6)
    _, same, other = sample(unrelated=True)
    assert torch.equal(same, x)
    assert torch.equal(other, y.roll(1))


# --- what became of a run ---


def ended(
    folder: Path, seed: int, accuracy: float, state: str = "completed", loss: float = 1.0, source: str = "digits"
) -> RunRecord:
    """A run of 20 steps at this loss, .5 right in training, and two epochs of which the first is at chance."""
    config = {"dataset": {"source": source}, "seed": seed}
    rows = [*step_rows([loss] * 20), *epoch_rows([10, 20], [0.1, accuracy], [2.3, 1.0])]
    figures = {"chance_accuracy": 0.1, "chance_loss": 2.0}
    return read_run(make_tables(folder, config, {}, rows, state, **figures))


def test_the_way_from_chance(tmp_path: Path) -> None:
    # .5 right in training; (.1 + .9) / 2 in validation. Above chance, of what there is above chance: .4 / .9
    assert outcomes.way(ended(tmp_path, 0, 0.9)) == pytest.approx(0.4 / 0.9)
    assert outcomes.way(ended(tmp_path, 1, 1.0)) == pytest.approx(0.45 / 0.9)
    assert outcomes.way(ended(tmp_path, 2, 1.0, "diverged")) == 0
    assert outcomes.way(ended(tmp_path, 3, 1.0, loss=0.5, source="adding")) == pytest.approx(0.75)
    assert outcomes.way(ended(tmp_path, 4, 1.0, loss=9.0, source="adding")) == 0


def test_a_label_that_the_outcome_contradicts_is_told(tmp_path: Path) -> None:
    cases = [labelled("good", "healthy"), labelled("weak", "healthy"), labelled("bad"), labelled("not so bad")]
    records = {
        "good": ended(tmp_path, 0, 1.0),
        "weak": ended(tmp_path, 1, 1.0, "diverged"),
        "bad": ended(tmp_path, 2, 1.0, "diverged"),
        "not so bad": ended(tmp_path, 3, 1.0),
    }
    # The healthy twin is the median of .5 and 0: who has come half of .25 far has learnt.
    assert outcomes.contradictions(cases, records) == {
        "weak": "labelled healthy, but it does not learn: 0.00 of the way",
        "not so bad": "labelled vanishing, but it learns: 2.00 of its healthy twin's way",
    }
    of_a_twin = [*cases[:2], labelled("not so bad", twin="good")]
    told = outcomes.contradictions(of_a_twin, records)["not so bad"]
    assert told == "labelled vanishing, but it learns: 1.00 of its healthy twin's way"


# --- the figures ---


def test_the_cost_of_a_rule_set_is_the_median_over_the_runs() -> None:
    judged = [(labelled(name), said(seconds=seconds)) for name, seconds in (("a", 0.004), ("b", 0.001), ("c", 0.002))]
    assert scores.cost(judged) == 0.002
    shown = tables.score_lines([case for case, _ in judged], {"ours": {case.name: found for case, found in judged}})
    assert "| ms of a core to judge a run, median | 2.0 |" in shown


def test_wilson_intervals() -> None:
    # 0 of 60: 0 to z^2 / (n + z^2); 95 of 100: the textbook's .888 to .978
    assert Share(0, 60).wilson == pytest.approx((0, 3.8415 / 63.8415), abs=1e-4)
    assert Share(95, 100).wilson == pytest.approx((0.8882, 0.9785), abs=1e-4)


CASES = [
    labelled("a", label="vanishing"),
    labelled("b", label="vanishing"),
    labelled("c", label="collapsed", accepted=("vanishing",)),
    labelled("d", label="dead units", stage=3, onset=10),
    labelled("e", "healthy"),
    labelled("f", "look-alike"),
]
SAID = {
    "a": said("vanishing", delay=10),
    "b": said(),
    "c": said("vanishing", delay=20),
    "d": said("dead units", stage=2, delay=60, early=True),
    "e": said(),
    "f": said("vanishing"),
}
JUDGED = scores.pairs(CASES, SAID)


def test_precision_recall_and_f1_by_hand() -> None:
    found = scores.symptoms(JUDGED)
    # vanishing: said in a, c, f, right in a and c; labelled a, b, told in a
    assert (found["vanishing"].precision, found["vanishing"].recall) == (Share(2, 3), Share(1, 2))
    assert found["vanishing"].f1 == pytest.approx(3 / 5)
    assert (found["collapsed"].precision, found["collapsed"].recall) == (Share(0, 0), Share(1, 1))
    # healthy: said in b and e, right in e; labelled e, f, told in e
    assert (found["healthy"].precision, found["healthy"].recall) == (Share(1, 2), Share(1, 2))
    assert scores.macro_f1(JUDGED) == pytest.approx((3 / 5 + 1 + 1 + 1 / 2) / 4)


def test_shares_delays_and_places_by_hand() -> None:
    assert scores.exact(JUDGED) == Share(4, 6)
    assert scores.exact_of_faulty(JUDGED) == Share(3, 4)
    assert scores.strict(JUDGED) == Share(2, 4)
    assert scores.alarms(JUDGED, "healthy") == Share(0, 1)
    assert scores.alarms(JUDGED, "look-alike") == Share(1, 1)
    assert scores.delays(JUDGED) == [10, 20, 60]
    assert scores.delays([(CASES[0], said("vanishing", delay=0))]) == [0]
    assert scores.early(JUDGED) == Share(1, 1)
    assert scores.place(JUDGED) == Share(1, 1)
    far = {**SAID, "d": said("dead units", stage=1)}
    assert scores.place(scores.pairs(CASES, far)) == Share(0, 1)
    nowhere = {**SAID, "d": said("dead units")}
    assert scores.place(scores.pairs(CASES, nowhere)) == Share(0, 0)


def test_two_verdicts_are_no_exact_label_and_undecided_is_no_clean_bill() -> None:
    assert not said("vanishing", "dead units").is_right(CASES[0])
    assert not Judgement(frozenset(), "undecided").is_right(CASES[4])
    assert Judgement(frozenset(), "nothing").is_right(CASES[4])


def test_the_axis_counts_where_the_verdict_is_right() -> None:
    cases = [labelled("a", axis="time"), labelled("b", axis="depth"), labelled("c", axis="depth")]
    judged = {"a": said("vanishing", axis="depth"), "b": said("vanishing", axis="depth"), "c": said("dead units")}
    assert scores.axis(scores.pairs(cases, judged)) == Share(1, 2)
    assert scores.axis(scores.pairs([*cases, labelled("d")], judged | {"d": judged["b"]})) == Share(1, 2)
    without = {"a": said("vanishing"), "b": said("vanishing"), "c": said()}
    assert scores.axis(scores.pairs(cases, without)) == Share(0, 0)


def test_the_tables_have_a_column_for_each_rule_set() -> None:
    judgements = {"ours": SAID, "theirs": {name: said() for name in SAID}}
    lines = tables.score_lines(CASES, judgements)
    assert lines[0] == "|  | ours | theirs |"
    assert "| exact label, all | 4/6 = 66.7 % [30.0, 90.3] | 2/6 = 33.3 % [9.7, 70.0] |" in lines
    assert "| false alarms, healthy | - | - |" in tables.score_lines(CASES[:2], judgements)
    assert "| vanishing | 0.67 / 0.50 | - / 0.00 |" in tables.symptom_lines(CASES, judgements)
    assert tables.miss_lines(CASES, judgements)[0] == "- b (faulty): vanishing; said healthy"


def test_the_script_runs_judges_and_writes(tmp_path: Path) -> None:
    paths = os.pathsep.join([str(ROOT / "scripts"), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    names = ["sequences/two-lstm-20", "sequences/two-lr-", "sequences/two-loss-x"]
    words = ["--results", str(tmp_path / "runs"), "--out", str(tmp_path / "scores.md"), "--only", *names]
    for _ in range(2):
        command = [sys.executable, "-m", "diagnosis_set", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    text = (tmp_path / "scores.md").read_text()
    assert "## Held out: " in text
    assert "| ours | articles | autotrainer | deepchecker | deepdiagnosis | sagemaker |" in text
    assert "Runs that were missing took 0 s" in text, "the second time nothing is run again"
    labels = (tmp_path / "runs" / "labels.csv").read_text().splitlines()
    assert labels[0].startswith("path,name,family,data,kind,label,")
    assert len(labels) == 1 + 3


def test_networks_can_be_drawn_besides(tmp_path: Path) -> None:
    paths = os.pathsep.join([str(ROOT / "scripts"), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    words = ["--results", str(tmp_path / "runs"), "--only", "-", "--draw", "2", "--seed", "999"]
    command = [sys.executable, "-m", "diagnosis_set", *words]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The part drawn at random (seed 999) has its labels from the outcome" in done.stdout
    assert "## Drawn at random: " in done.stdout
    assert "| densenet on digits (random) | 1/1 |" in done.stdout  # the second one: batch normalization, a usual rate
    assert "## Development set" not in done.stdout


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_every_draw_says_what_the_first_one_showed(seed: int) -> None:
    from diagnosis_set.__main__ import _of_drawn

    words = " ".join(_of_drawn([labelled("random-1/mlp-1")], seed))
    assert f"drawn at random (seed {seed})" in words
    assert "58/71 = 81.7 %" in words
    assert Share(58, 71).wilson == pytest.approx((0.712, 0.890), abs=5e-4)
    assert "[71.2, 89.0]" in words
    assert "two mistakes in the labels (see `drawn_labels.py`)" in words


def test_no_paragraph_of_the_reference_stands_there_by_hand() -> None:
    from diagnosis_set.__main__ import _of_drawn

    head = (ROOT / "results" / "reference" / "diagnosis_cpu.md").read_text().partition("\n## ")[0].strip()
    title, made, rule, drawn, *others, overhead = head.split("\n\n")
    begins = ("# Verdicts, scored", "20", "A faulty case is right if", "The part drawn at random", "Overhead: ")
    assert all(map(str.startswith, (title, made, rule, drawn, overhead), begins))
    assert others == [words for words in _of_drawn([labelled("random-1/mlp-1")], 2)[2:] if words]


def test_what_recording_costs_is_a_ratio_to_a_training_without(monkeypatch: pytest.MonkeyPatch) -> None:
    from diagnosis_set import recording

    seconds = iter([9.0, 6.0, 4.0, 5.5, 5.0, 4.0, 2.0])  # the first warms up; then 1.5, 1.1 and 2
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(recording, "_seconds", lambda *words: asked.append(words) or next(seconds))
    assert "takes 1.50 times the CPU time of one with monitor=off (1.10 ... 2.00 in 3 pairs)" in recording.overhead()
    assert asked == [(), *[(), ("monitor=off",)] * 3]


def test_a_name_that_no_case_has_is_told(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "scripts"), str(ROOT)])}
    command = [sys.executable, "-m", "diagnosis_set", "--results", str(tmp_path / "runs"), "--only", "mlp/sigmiod"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 2
    assert "--only mlp/sigmiod: no case of that name; they stand in scripts/diagnosis_set/cases" in done.stderr
