"""Finding and reading runs, whole and damaged."""

import json

import pytest

from tests.made_runs import layer_rows, make_run, mlp_config
from vgp_bench.errors import ResultsError
from vgp_bench.records.reading import find_runs, read_run


def test_runs_are_found_from_every_level_and_each_once(tmp_path):
    one = make_run(tmp_path, mlp_config(seed=0))
    two = make_run(tmp_path, mlp_config(seed=1, experiment_name="group/second"))
    assert {run.path for run in find_runs([tmp_path])} == {one, two}
    assert [run.path for run in find_runs([one.parent])] == [one]
    assert [run.path for run in find_runs([one])] == [one]
    assert len(find_runs([tmp_path, one, str(tmp_path / "made" / ".." / "made")])) == 2
    assert [run.path for run in find_runs([tmp_path])] == sorted([one, two])


def test_links_lead_nowhere_and_runs_are_not_nested(tmp_path):
    run = make_run(tmp_path / "results", mlp_config(seed=0))
    make_run(run, mlp_config(seed=1))  # inside a run: not looked for
    elsewhere = make_run(tmp_path / "elsewhere", mlp_config(seed=2))
    (tmp_path / "results" / "link").symlink_to(elsewhere.parent)
    (tmp_path / "results" / "made" / "status.json").mkdir()  # a folder of that name makes no run
    assert [found.path for found in find_runs([tmp_path / "results"])] == [run]
    link = tmp_path / "other_name"
    link.symlink_to(tmp_path / "results")
    assert [found.path for found in find_runs([link])] == [link / run.relative_to(tmp_path / "results")]
    assert len(find_runs([link, tmp_path / "results", run, link / "made"])) == 1
    assert [found.seed for found in find_runs([tmp_path / "results" / "link"])] == [2]


def test_a_status_that_leads_nowhere_is_a_damaged_run(tmp_path):
    run = make_run(tmp_path, mlp_config(seed=0))
    (run / "status.json").rename(tmp_path / "moved")
    (run / "status.json").symlink_to(tmp_path / "absent")
    assert [found.state for found in find_runs([tmp_path])] == ["damaged"]
    (run / "status.json").unlink()
    (run / "status.json").symlink_to(tmp_path / "moved")
    (found,) = find_runs([tmp_path])
    assert (found.state, found.path) == ("completed", run)


def test_runs_are_ordered_by_path_whatever_folder_they_came_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = [
        make_run(tmp_path, mlp_config(seed, experiment_name=name)) for name in ("a", "a-b", "a/c") for seed in (0, 1)
    ]
    found = [run.path for run in find_runs(["a-b", "a", "."])]
    assert found == sorted(run.relative_to(tmp_path) for run in runs)


def test_nothing_found_says_where_and_what_to_give(tmp_path):
    with pytest.raises(ResultsError, match=rf"no run .* in {tmp_path}; give"):
        find_runs([tmp_path])
    with pytest.raises(ResultsError, match=f"no such folder: {tmp_path}/absent"):
        find_runs([tmp_path / "absent"])
    with pytest.raises(ResultsError, match="no run"):
        find_runs([])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("status.json", "{"),
        ("status.json", "[]"),
        ("status.json", '{"state": "completed"}'),
        ("config.yaml", "a: [1"),
        ("config.yaml", ""),
        ("choices.json", "\x00\x00"),
        ("environment.json", None),
        ("summary.json", '{"steps": 3}'),
        ("summary.json", ""),
    ],
)
def test_damaged_run_is_reported_beside_the_others(tmp_path, name, content):
    good = make_run(tmp_path, mlp_config(seed=0), test_accuracy=0.5)
    bad = make_run(tmp_path, mlp_config(seed=1), test_accuracy=0.5)
    if content is None:
        (bad / name).unlink()
    else:
        (bad / name).write_text(content)
    runs = {run.path: run for run in find_runs([tmp_path])}
    assert runs[good].state == "completed"
    assert runs[bad].state == "damaged"
    assert str(bad / name) in runs[bad].reason
    assert "\n" not in runs[bad].reason
    with pytest.raises(ResultsError, match="damaged"):
        read_run(bad)


def test_damaged_table_is_told_when_it_is_read(tmp_path):
    path = make_run(tmp_path, mlp_config(), layers=layer_rows([1.0, 2.0]))
    table = path / "layers.parquet"
    table.write_bytes(table.read_bytes()[:-20])
    run = read_run(path)
    for read in (run.rows, run.columns):
        with pytest.raises(ResultsError, match=f"damaged: {table}"):
            read("layers")


def test_running_process_is_running_and_a_foreign_host_is_believed(tmp_path):
    path = make_run(tmp_path, mlp_config(), state="running")
    assert read_run(path).state == "running"
    # As versions wrote it that had no owner's file:
    next(path.glob("owner_*.json")).unlink()
    content = json.loads((path / "status.json").read_text())
    del content["owner"]
    (path / "status.json").write_text(json.dumps(content, indent=2))
    assert read_run(path).state == "running"
    status = (path / "status.json").read_text()
    pid_line = next(line for line in status.splitlines() if '"pid"' in line)
    gone = status.replace(pid_line, '"pid": 4194999,')  # above the largest process id of Linux
    (path / "status.json").write_text(gone)
    assert read_run(path).state == "lost"
    host_line = next(line for line in status.splitlines() if '"host"' in line)
    (path / "status.json").write_text(gone.replace(host_line, '"host": "some-other-machine"'))
    assert read_run(path).state == "running"


def test_a_table_without_a_column_is_one_line(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = make_run(tmp_path, mlp_config(), test_accuracy=0.5)
    pq.write_table(pa.table({"step": [0], "loss": [1.0]}), path / "steps.parquet")
    with pytest.raises(ResultsError, match=r"steps\.parquet has no column epoch; run it again with this version"):
        read_run(path).columns("steps")
