"""vgp_bench.load: frames that hold what the files hold, under columns that are documented."""

import math
from dataclasses import fields

import pytest

import vgp_bench
from tests.judged_runs import healthy, vanished
from tests.made_runs import layer_rows, make_run, mlp_config
from vgp_bench.diagnosis.figures import COLUMNS
from vgp_bench.errors import ResultsError
from vgp_bench.records.columns import columns_document
from vgp_bench.records.rows import TABLES


@pytest.fixture
def results(tmp_path):
    for depth in (2, 3):
        for seed in (0, 1):
            rows = layer_rows([0.5**depth, 1.0], step=0) + layer_rows([0.1 * seed, 1.0], step=50)
            make_run(tmp_path, mlp_config(seed, depth), layers=rows, test_accuracy=0.1 * depth + 0.01 * seed)
    make_run(tmp_path, mlp_config(0, 9), state="failed")
    return tmp_path


def test_runs_hold_settings_seed_state_and_figures(results):
    frames = vgp_bench.load(results)
    assert frames.settings == ["architecture.depth"]
    assert frames.constants["activation"] == "relu"
    runs = frames.runs.set_index(["architecture.depth", "seed"])
    assert runs.loc[(3, 1), "test_accuracy"] == pytest.approx(0.31)
    assert runs.loc[(9, 0), "state"] == "failed"
    assert math.isnan(runs.loc[(9, 0), "test_accuracy"])
    assert len(runs) == 5
    assert repr(frames) == "<5 runs that differ in architecture.depth>"


def test_layers_stand_beside_their_run_without_a_join(results):
    layers = vgp_bench.load(results).layers
    assert list(layers.columns[:3]) == ["run", "architecture.depth", "seed"]
    assert len(layers) == 4 * 2 * 3  # the failed run logged none
    first = layers[(layers["architecture.depth"] == 3) & (layers.step == 0) & (layers.stage == 0)]
    assert first["activation_gradient_l2"].tolist() == [0.125, 0.125]
    last = layers[(layers["architecture.depth"] == 2) & (layers.step == 50) & (layers.stage == 0)]
    assert dict(zip(last["seed"], last["activation_gradient_l2"], strict=True)) == {0: 0.0, 1: 0.1}
    assert layers["step"].dtype.kind == "i"
    assert layers["architecture.depth"].dtype.kind == "i"


def test_every_table_has_a_frame_and_every_column_a_definition(results):
    frames = vgp_bench.load(results)
    text = columns_document()
    for table, row_type in TABLES.items():
        frame = getattr(frames, table)
        assert [f.name for f in fields(row_type)] == list(frame.columns[3:])
        assert all(f"| `{name}` |" in text for name in frame.columns[3:])
    assert all(f"| `{name}` |" in text for name in frames.runs.columns[5:])


def test_verdicts_stand_beside_their_run(tmp_path):
    healthy(tmp_path)
    vanished(tmp_path)
    (healthy(tmp_path, 1) / "steps.parquet").write_bytes(b"PAR1")
    verdicts = vgp_bench.load(tmp_path).verdicts
    assert list(verdicts.columns) == ["run", "architecture.depth", "activation", "seed", *COLUMNS]
    found = verdicts.set_index(["activation", "seed"])
    assert found["verdict"].to_dict() == {("relu", 0): "healthy", ("relu", 1): "damaged", ("sigmoid", 0): "vanishing"}
    assert found.loc[("sigmoid", 0), "value"] == pytest.approx(1e-11)
    assert "steps.parquet" in found.loc[("relu", 1), "problem"]


def test_a_path_without_runs_is_one_line(tmp_path):
    with pytest.raises(ResultsError, match="no run"):
        vgp_bench.load(tmp_path)
    path = make_run(tmp_path, mlp_config())
    (path / "config.yaml").unlink()
    with pytest.raises(ResultsError, match=r"config\.yaml is missing"):
        vgp_bench.load(path)


def test_lists_of_paths_are_taken_as_paths(tmp_path):
    for name in ("a", "b", "c"):
        make_run(tmp_path / name, mlp_config(depth={"a": 2, "b": 3, "c": 4}[name]))
    assert len(vgp_bench.load([tmp_path / "a", str(tmp_path / "b")]).runs) == 2
    assert len(vgp_bench.load(tmp_path / "a", [tmp_path / "b", tmp_path / "c"]).runs) == 3


def test_a_damaged_run_is_left_out_with_a_warning(results):
    path = make_run(results, mlp_config(7, 2), layers=layer_rows([0.5, 1.0]))
    (path / "layers.parquet").write_bytes(b"PAR1")
    frames = vgp_bench.load(results)
    assert len(frames.runs) == 6
    with pytest.warns(UserWarning, match=r"^left out: .*layers\.parquet is not a readable Parquet file; run it again$"):
        assert set(frames.layers["seed"]) == {0, 1}
    with pytest.raises(ResultsError, match="not a readable Parquet file"):
        _ = vgp_bench.load(path).layers
    (path / "config.yaml").unlink()
    with pytest.warns(UserWarning, match=r"^left out: .*config\.yaml is missing"):
        assert len(vgp_bench.load(results).runs) == 5
