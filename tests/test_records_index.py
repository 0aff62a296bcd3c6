"""The index of a folder of runs spares reading, and never shows what is no longer so."""

import datetime
import json
import math
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.indexing import LIE, in_place, indexed, lie, rates, renamed, six_runs
from tests.made_runs import ENVIRONMENT, make_run, mlp_config
from vgp_bench.records import index
from vgp_bench.records.reading import find_runs
from vgp_bench.records.store import RunStore


@pytest.fixture
def results(tmp_path, monkeypatch):
    return six_runs(tmp_path / "results", monkeypatch)


def test_what_comes_from_the_index_is_what_the_files_say(results):
    make_run(
        results,
        mlp_config(
            9,
            name="größe\ud7ff",
            none=None,
            nothing=None,
            nested={"lists": [[1, 2.5], [True]], "empty": {}},
            big=10**30,
        ),
        environment={**ENVIRONMENT, "host": "π", "odd": -0.0},
        initial_gradient_ratio=math.inf,
        initial_decay_per_layer=-math.inf,
        final_decay_r2=math.nan,
        seconds=1e-300,
    )
    make_run(results, mlp_config(10), {}, state="failed")
    first = find_runs([results])
    assert (results / index.NAME).exists()
    second = find_runs([results])
    assert repr(second) == repr(first)  # repr: NaN equals NaN, 1 is not 1.0
    for run in second:
        assert run.summary is None or math.isnan(run.summary.final_decay_r2)
    lie(results)
    assert set(rates(results).values()) == {LIE}


def test_values_without_a_form_in_json_are_read_again(results):
    odd = make_run(results, mlp_config(7), test_accuracy=0.5)
    text = (odd / "config.yaml").read_text()
    for more in (
        "day: 2026-01-01\n",
        "names: {1: one}\n",
        "names: [{1: one}]\n",
        "raw: !!binary aGk=\n",
        "s: !!set {a}\n",
    ):
        (odd / "config.yaml").write_text(text + more)
        (results / index.NAME).unlink(missing_ok=True)
        first = find_runs([results])
        lie(results)
        second = {run.path: run.config for run in find_runs([results])}
        assert second[odd] == next(run.config for run in first if run.path == odd)
        assert sum(config["optimizer"]["lr"] == LIE for config in second.values()) == 6
    (odd / "config.yaml").write_text(text + "day: 2026-01-01\n")
    day = next(run.config["day"] for run in find_runs([results]) if run.path == odd)
    assert day == datetime.date(2026, 1, 1)


@pytest.mark.parametrize("change", [in_place, renamed])
@pytest.mark.parametrize(
    ("name", "old", "new", "seen"),
    [
        ("config.yaml", "lr: 0.1", "lr: 0.2", lambda run: run.config["optimizer"]["lr"] == 0.2),
        ("choices.json", '"relu"', '"gelu"', lambda run: run.choices["activation"] == "gelu"),
        ("environment.json", '"cpu"', '"gpu"', lambda run: run.environment["device"] == "gpu"),
        ("status.json", '"completed"', '"diverged" ', lambda run: run.state == "diverged"),
        ("summary.json", "0.5", "0.7", lambda run: run.summary.test_accuracy == 0.7),
        ("config.yaml", "lr: 0.1", "lr: [.1", lambda run: run.state == "damaged"),
        ("summary.json", "{", "!", lambda run: run.state == "damaged"),
    ],
)
def test_a_changed_file_shows_at_once(results, change, name, old, new, seen):
    changed, *others = indexed(results)
    text = (changed / name).read_text()
    assert old in text
    change(changed / name, text.replace(old, new).encode())
    runs = {run.path: run for run in find_runs([results])}
    assert seen(runs[changed])
    assert all(runs[path].config["optimizer"]["lr"] == LIE for path in others)


@pytest.mark.parametrize("name", ["config.yaml", "choices.json", "environment.json"])
def test_a_lost_file_shows_at_once(results, name):
    changed = indexed(results)[0]
    (changed / name).unlink()
    assert f"{name} is missing" in rates(results)[changed.name]


def test_a_summary_that_goes_or_comes_shows_at_once(results):
    changed = indexed(results)[0]
    text = (changed / "summary.json").read_text()
    for there in (False, True):
        (changed / "summary.json").write_text(text) if there else (changed / "summary.json").unlink()
        (results / index.NAME).unlink(missing_ok=True)
        find_runs([results])
        summaries = {run.path: run.summary for run in find_runs([results])}
        assert (summaries[changed] is not None) == there


def test_runs_that_come_and_go_show_at_once(results):
    gone, *others = indexed(results)
    shutil.rmtree(gone)
    new = make_run(results, mlp_config(77), test_accuracy=0.5)
    assert rates(results) == {path.name: LIE for path in others} | {new.name: 0.1}
    (others[0] / "status.json").unlink()  # as when a run begins anew: for this instant it is none
    assert others[0].name not in rates(results)


def test_runs_that_trade_places_show_at_once(results):
    one, two = indexed(results)[:2]
    one.rename(results / "aside")
    two.rename(one)
    (results / "aside").rename(two)
    seeds = {run.path: run.seed for run in find_runs([results])}
    texts = {path: (path / "config.yaml").read_text() for path in (one, two)}
    assert all(f"\nseed: {seeds[path]}\n" in texts[path] for path in (one, two))


def test_a_run_that_begins_again_shows_at_once(results):
    again = indexed(results)[0]
    store = RunStore(again)
    store.begin(mlp_config(0, depth=8), {}, ENVIRONMENT)
    found = {run.path: run for run in find_runs([results])}[again]
    assert (found.state, found.config["architecture"]["depth"], found.summary) == ("running", 8, None)
    store.finish("failed", reason="no luck")
    found = {run.path: run for run in find_runs([results])}[again]
    assert (found.state, found.reason) == ("failed", "no luck")


def test_whether_a_run_still_runs_is_asked_each_time(results):
    running = make_run(results, mlp_config(50), state="running")
    status = json.loads((running / "status.json").read_text())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        status |= {"pid": process.pid, "host": socket.gethostname(), "owner": ""}  # as versions without owners wrote it
        (running / "status.json").write_text(json.dumps(status))
        indexed(results)
        assert {run.path: run.state for run in find_runs([results])}[running] == "running"
        process.kill()
        process.wait()
        found = {run.path: run for run in find_runs([results])}[running]
        assert (found.state, found.config["optimizer"]["lr"]) == ("lost", LIE)
        assert str(process.pid) in found.reason


def test_a_copy_over_the_runs_shows_at_once(results, tmp_path):
    run = indexed(results)[0]
    other = shutil.copytree(results, tmp_path / "other") / run.relative_to(results) / "config.yaml"
    in_place(other, other.read_bytes().replace(b"lr: 0.1", b"lr: 0.3"))
    shutil.copy2(other, run / "config.yaml")  # the same name, size and time
    assert rates(results)[run.name] == 0.3


def test_each_given_folder_has_its_own(results):
    for seed in range(6):
        make_run(results, mlp_config(seed, experiment_name="second"), test_accuracy=0.5)
    places = (results / "made", results / "second")
    assert len(find_runs(places)) == 12
    assert not (results / index.NAME).exists()
    lie(places[1])
    runs = find_runs([results / "made", results / "second", results])
    assert len(runs) == 12
    assert {run.path.parent.name: run.config["optimizer"]["lr"] for run in runs} == {"made": 0.1, "second": LIE}
    assert set(rates(results).values()) == {0.1}  # the lie of a folder further down is not asked


def test_readers_and_a_writer_at_once(results):
    # Four processes read and index while runs change under them: whole runs, never an older state than seen before.
    reader = """
import sys
from pathlib import Path
from vgp_bench.records import index
index.LEAST_RUNS, index.REST_NS, index.STALE_SHARE = 5, 20_000_000, 0.0
from vgp_bench.records.reading import find_runs
last = {}
while not Path(sys.argv[1], "stop").exists():
    runs = find_runs([sys.argv[1]])
    assert len(runs) == 6, len(runs)
    for run in runs:
        assert run.state == "completed", run.reason
        turn = run.config.get("turn", 0)
        assert turn >= last.get(run.path, 0), "an older state came back"
        last[run.path] = turn
"""
    paths = [run.path for run in find_runs([results])]
    texts = {path: (path / "config.yaml").read_text() for path in paths}
    readers = [
        subprocess.Popen([sys.executable, "-c", reader, str(results)], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    until = time.monotonic() + 3
    turn = 1000
    while time.monotonic() < until:
        turn += 1
        for path in paths[turn % 2 :: 2]:
            renamed(path / "config.yaml", f"{texts[path]}turn: {turn}\n".encode())
        time.sleep(0.03 if turn % 5 else 0.1)
        now = {run.path: run.config["turn"] for run in find_runs([results]) if "turn" in run.config}
        assert all(now[path] == turn for path in paths[turn % 2 :: 2])
    Path(results, "stop").touch()
    assert [process.communicate(timeout=30)[1] for process in readers] == [""] * 4
