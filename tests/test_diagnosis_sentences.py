"""A verdict in words: every verdict, axis and sureness, what was seen beside its limit, and never too long."""

from typing import get_args

import pytest

from vgp_bench.diagnosis.finding import Axis, Consequence, Diagnosis, Evidence, Remedy, Symptom, Verdict
from vgp_bench.diagnosis.sentences import block, line, note

STALL = Consequence("stall", 0, "the loss is 2.3, chance 2.3, and does not fall")
FINE = Consequence("none", -1, "the loss went from 2.3 to 0.3")
REMEDY = Remedy("ReLU with He's initialization: its slope is 1 (He et al. 2015)", ("activation=relu", "optimizer.lr=1"))


def symptom(verdict: Verdict, axis: Axis = "", onset: int = 0, **place: object) -> Symptom:
    evidence = Evidence("statistic in words", 2e-9, 1e-9, 3e-9, 1e-3)
    return Symptom(verdict, evidence, onset, axis, **({"stage": 3, "place": "layer_4"} | place))  # type: ignore[arg-type]


def said(cause: Symptom, **more: object) -> str:
    """The line, without the verdict in front and without what became of the training."""
    text = line(Diagnosis(cause.verdict, STALL, 99, cause, **more))  # type: ignore[arg-type]
    label = f"{cause.verdict} ({cause.axis})" if cause.axis else cause.verdict
    assert text.startswith(f"{label}: ")
    return text.removeprefix(f"{label}: ").partition(f"; {STALL.words}")[0]


SEEN = [
    (symptom("vanishing", "depth"), "what lies below layer_4 cannot move the outputs"),
    (symptom("vanishing", "depth", stage=0, place="layer_1"), "layer_1 cannot move the outputs"),
    (symptom("vanishing", "time", lag=40), "what lies 40 time steps back no longer counts"),
    (symptom("vanishing", "time", lag=1), "what lies 1 time step back no longer counts"),
    (symptom("exploding", "depth"), "the least change at layer_4 overturns the outputs"),
    (symptom("exploding", "time", lag=7), "what lies 7 time steps back outweighs the present"),
    (symptom("exploding", stage=None, place=""), "the gradient grew far beyond its usual size"),
    (symptom("dead units"), "units of layer_4 are 0 for every input"),
    (symptom("saturated"), "units of layer_4 sit where their activation is flat"),
    (symptom("collapsed"), "layer_4 is the same for every input"),
    (symptom("symmetric"), "the units of layer_4 all do the same"),
    (symptom("update too small", stage=None, place=""), "no layer moves by as much as would matter"),
    (symptom("unstable", stage=None, place=""), "single steps upset the training"),
]
BARE: list[tuple[Diagnosis, str]] = [
    (Diagnosis("healthy", FINE, 99), "healthy: the loss went from 2.3 to 0.3"),
    (Diagnosis("undecided", Consequence("none", -1, "3 steps: too few to tell"), 2, sure="unclear"),
     "undecided: 3 steps: too few to tell"),
    (Diagnosis("plateau", STALL, 99, sure="likely", remedies=(REMEDY,)),
     f"plateau: {STALL.words} (likely); try activation=relu optimizer.lr=1"),
    (Diagnosis("unstable", STALL, 99, sure="likely"), f"unstable: {STALL.words} (likely)"),
    (Diagnosis("diverged", Consequence("divergence", 9, "the loss is no longer finite at step 9"), 9),
     "diverged: the loss is no longer finite at step 9"),
]  # fmt: skip


def test_every_verdict_and_axis_has_words() -> None:
    told = {cause.verdict for cause, _ in SEEN} | {diagnosis.verdict for diagnosis, _ in BARE}
    assert told == set(get_args(Verdict))
    assert {cause.axis for cause, _ in SEEN} == set(get_args(Axis))


@pytest.mark.parametrize(("cause", "words"), SEEN)
def test_what_is_seen_stands_beside_its_limit(cause: Symptom, words: str) -> None:
    assert said(cause) == f"{words} (2e-09, limit 0.001) from the start, certain"


@pytest.mark.parametrize(("diagnosis", "text"), BARE)
def test_without_a_symptom_it_says_what_became_of_the_training(diagnosis: Diagnosis, text: str) -> None:
    assert line(diagnosis) == text


def test_since_when_and_how_sure() -> None:
    assert said(symptom("saturated", onset=40)).endswith("(2e-09, limit 0.001) since step 40, certain")
    other = symptom("vanishing", "depth")
    assert said(symptom("saturated"), sure="likely", runner_up=other).endswith(
        "from the start, likely, or else vanishing (depth)"
    )


def test_a_symptom_nobody_has_words_for_is_told_by_its_statistic() -> None:
    assert said(symptom("plateau")) == "statistic in words (2e-09, limit 0.001) from the start, certain"


def test_a_remedy_is_its_words_for_the_command_line_or_what_to_do_without_the_reason() -> None:
    cause = symptom("saturated")
    assert line(Diagnosis("saturated", STALL, 9, cause, remedies=(REMEDY, REMEDY))).endswith(
        "; try activation=relu optimizer.lr=1"
    )
    assert line(Diagnosis("saturated", STALL, 9, cause, remedies=(Remedy("skips: a way (He 2016)"),))).endswith(
        "; try skips"
    )
    assert line(Diagnosis("saturated", STALL, 9, cause, remedies=(Remedy("an LSTM (Gers 2000)"),))).endswith("an LSTM")


def test_a_line_takes_no_more_than_two_of_a_hundred_characters() -> None:
    for cause, _ in SEEN:
        text = line(Diagnosis(cause.verdict, STALL, 99, cause, sure="likely", remedies=(REMEDY,)))
        assert len(text) <= 200


def test_a_block_holds_the_evidence_the_runner_up_the_notes_and_every_remedy() -> None:
    second = Remedy("clipping (Pascanu et al. 2013)")
    whole = Diagnosis(
        "saturated", STALL, 99, symptom("saturated", onset=5), symptom("vanishing", "time", lag=3), "likely",
        ("a note",), (REMEDY, second),
    )  # fmt: skip
    assert block(whole) == [
        "verdict   saturated, likely",
        "seen      units of layer_4 sit where their activation is flat, since step 5",
        "evidence  statistic in words 2e-09 [1e-09, 3e-09] (limit 0.001)",
        "outcome   the loss is 2.3, chance 2.3, and does not fall",
        "or else   vanishing (time): what lies 3 time steps back no longer counts, from the start; "
        "statistic in words 2e-09 [1e-09, 3e-09] (limit 0.001)",
        "note      a note",
        "try       ReLU with He's initialization: its slope is 1 (He et al. 2015): activation=relu optimizer.lr=1",
        "or        clipping (Pascanu et al. 2013)",
    ]
    assert block(BARE[0][0]) == ["verdict   healthy, certain", "outcome   the loss went from 2.3 to 0.3"]


def test_what_is_counted_has_no_interval() -> None:
    counted = Symptom("dead units", Evidence.exact("dead share", 0.95, 0.9), 0, "", 0, "layer_1")
    assert note(counted).endswith("; dead share 0.95 (limit 0.9)")
