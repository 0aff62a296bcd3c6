"""What scripts/score_forecast reads of recorded trainings: which count, how each ended, and mistakes in one line."""

import csv
import math
from pathlib import Path
from typing import Any

import pytest

from tests.made_runs import make_run, mlp_config, step_rows
from vgp_bench.errors import ResultsError, UserError

ROOT = Path(__file__).parents[1]
COLUMNS = ("path", "name", "onset", "words")


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))


def made(folder: Path, losses: list[float], seed: int = 0, **values: Any) -> Path:
    config = mlp_config(seed=seed, experiment_name="set")
    return make_run(folder, config, steps=step_rows(losses), **{"chance_loss": 2.0, **values})


def write(folder: Path, rows: list[tuple[object, ...]], columns: tuple[str, ...] = COLUMNS) -> None:
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def test_a_training_ended_where_its_last_steps_were_in_units_of_chance(tmp_path: Path) -> None:
    from benchmarks.recorded_runs import end_of, recorded

    path = made(tmp_path, [9.0, 1.0, 3.0])
    assert end_of(tmp_path, path, 2) == 1.0
    assert end_of(tmp_path, made(tmp_path, [1.0], seed=1, state="diverged"), 2) == math.inf
    with pytest.raises(ResultsError, match="running, not completed"):
        end_of(tmp_path, made(tmp_path, [1.0], seed=2, state="running"), 2)
    write(tmp_path, [("/elsewhere/set/" + path.name, "mlp/a", "0", "activation=tanh seed=3")])
    (run,) = recorded(tmp_path, 2)  # the folder was moved as a whole
    assert (run.name, run.end, run.words[2:]) == ("mlp/a", 1.0, ("activation=tanh", "seed=3"))


def test_what_was_broken_later_does_not_count_and_what_has_no_answer_is_marked(tmp_path: Path) -> None:
    from benchmarks.recorded_runs import SEEN, recorded

    seen = SEEN.read_text().splitlines()
    assert len(seen) == len(set(seen)) > 100
    path = made(tmp_path, [1.0])
    rows = [(path, seen[0], "0", "a=1"), (path, "new", "0", "dataset.unrelated=true"), (path, "late", "60", "a=1")]
    write(tmp_path, rows)
    runs = list(recorded(tmp_path, 1))
    assert [(run.name, run.seen, run.answerable) for run in runs] == [(seen[0], True, True), ("new", False, False)]


def test_a_folder_without_labels_is_one_line(tmp_path: Path) -> None:
    from benchmarks.recorded_runs import recorded

    with pytest.raises(UserError, match=r"^--recorded .*: it has no labels\.csv; scripts/score_diagnosis --results "):
        list(recorded(tmp_path, 20))
    write(tmp_path, [], ("path", "name"))
    with pytest.raises(UserError, match=r"labels\.csv: no column onset, words; scripts/score_diagnosis makes it anew"):
        list(recorded(tmp_path, 20))


def test_wrong_forecasts_stand_by_name_beside_what_was_left_out() -> None:
    from benchmarks.forecast_tables import Score, recorded_lines

    right, alarm, missed = (
        Score("a", True, 0.1, 1, 1),
        Score("b", False, 0.1, 0, 0),
        Score("c", True, 1, 1, 1, near=True),
    )
    lines = recorded_lines({False: [right, alarm], True: [missed]}, ["d: no data"])
    assert "### Not looked at: 1 of 2" in lines
    assert "### Looked at: 1 of 1" in lines
    assert [line.split(" | ")[0][2:] for line in lines if line.endswith(("| false alarm |", "| missed |"))] == [
        "b",
        "c",
    ]
    assert any("near past only" in line for line in lines)
    assert lines[-1] == "- d: no data"


def test_a_recorded_training_is_forecast_as_it_was_composed(tmp_path: Path) -> None:
    from benchmarks.recorded_runs import Recorded
    from benchmarks.score_forecast import score_recorded

    words = ("architecture.depth=3", "architecture.width=16", "device=cpu", "trainer.max_steps=100")
    good = score_recorded(Recorded("good", words, 0.2, False, True), tmp_path)
    assert (good.words, good.trainable, good.right, good.near) == ("good", True, True, False)
    still = score_recorded(Recorded("still", (*words, "optimizer.lr=1e-9"), 0.2, False, True), tmp_path)
    assert (still.trainable, still.is_false_alarm) == (False, True)
