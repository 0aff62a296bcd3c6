"""A run that is broken off goes on to the same bits, whatever it is made of."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from tests.data_fixtures import random_images, write_image
from tests.resuming import IMAGES, MLP, Killed, fingerprint, performed, the_run, weights
from vgp_bench import run as run_module
from vgp_bench.errors import ConfigError
from vgp_bench.records.checkpoints import Checkpoints, Position
from vgp_bench.records.pace import Pace
from vgp_bench.records.reading import read_run
from vgp_bench.records.store import RunStore
from vgp_bench.training import keeper
from vgp_bench.training.loop import Loop

SEQUENCES = [
    "dataset=adding",
    "dataset.length=12",
    "dataset.train_size=64",
    "dataset.validation_size=32",
    "dataset.test_size=32",
    "trainer.batch_size=16",
    "trainer.max_epochs=3",
    "monitor.probe_images=16",
    "device=cpu",
]
CASES = {
    "momentum, cosine": [*MLP, "optimizer=sgd", "optimizer.momentum=0.9", "schedule=cosine"],
    "warm-up, step": [*MLP, "schedule=step", "schedule.milestones=[0.5,0.8]", "schedule.warmup=0.3"],
    "one cycle": [*MLP, "schedule=one_cycle"],
    "adam": [*MLP, "optimizer=adam", "optimizer.lr=0.01"],
    "muon": [*MLP, "architecture.depth=4", "optimizer=muon", "schedule=cosine"],
    "rmsprop": [*MLP, "optimizer=rmsprop", "optimizer.lr=0.001"],
    "portions, clipped, smoothed": [
        *MLP,
        "trainer.micro_batches=4",
        "trainer.clip_norm=0.5",
        "trainer.label_smoothing=0.1",
    ],
    "batch norm, augmentation": [
        "architecture=resnet",
        "architecture.depth=8",
        "architecture.width=8",
        "normalizer=batch",
        "dataset=image_folder",
        "dataset.folder=pics",
        "data_dir=data",
        "dataset.crop_padding=1",
        "dataset.flip=true",
        *IMAGES,
    ],
    "dropout, drop path": [
        "architecture=vit",
        "architecture.blocks=2",
        "architecture.width=16",
        "architecture.heads=2",
        "architecture.dropout=0.2",
        "architecture.drop_path=0.3",
        "optimizer=adamw",
        *IMAGES,
    ],
    "lstm": ["architecture=lstm", "architecture.hidden=8", "trainer.clip_norm=1.0", *SEQUENCES],
    "bf16": [*MLP, "trainer.precision=bf16"],
    "cut within a pass": [*MLP, "trainer.max_steps=10"],
}


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The weights that each run ended with."""
    kept: list[str] = []
    genuine = run_module._train

    def watched(loop: Loop) -> Any:
        result = genuine(loop)
        kept.append(weights(loop))
        return result

    monkeypatch.setattr(run_module, "_train", watched)
    return kept


@pytest.mark.parametrize("words", CASES.values(), ids=CASES)
def test_a_run_that_dies_twice_ends_with_the_bits_of_one_that_never_did(words: list[str], ends: list[str]) -> None:
    if "dataset.folder=pics" in words:
        for index, image in enumerate(random_images(200, channels=3).movedim(1, -1).numpy()):
            write_image(Path("data", "pics", "cat" if index % 2 else "dog", f"{index}.png"), image)
    twin = performed(*words, results="twin")
    assert twin
    if twin.state == "refused" and "bf16" in twin.reason:
        pytest.skip(twin.reason)
    assert twin.state == "completed", twin.reason
    # After 5 steps, in the middle of a pass of 4; then after 8, at the end of one, its row not yet in the record.
    assert performed(*words, "checkpoint_steps=1", die_after=6) is None
    assert read_run(the_run()).state == "lost"
    assert performed(*words, "checkpoint_steps=2", die_after=9) is None
    again = performed(*words)
    assert again
    assert again.state == "completed", again.reason
    resumed = json.loads((the_run() / "environment.json").read_text())["resumed"]
    assert [entry["step"] for entry in resumed] == [5, 8]
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))
    assert len(ends) == 2
    assert ends[0] == ends[1]
    left = {"checkpoint", "owner_"}
    assert not [file.name for file in the_run().iterdir() if any(file.name.startswith(name) for name in left)]


@pytest.mark.parametrize("die_after", [1, 3, 4, 5, 11, 12])
def test_wherever_it_dies(die_after: int) -> None:
    performed(*MLP, results="twin")
    assert performed(*MLP, "checkpoint_steps=1", die_after=die_after) is None
    performed(*MLP)
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


def test_rows_that_came_after_the_checkpoint_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    performed(*MLP, results="twin")
    genuine = Checkpoints.save

    def save(self: Checkpoints, position: Position, state: bytes) -> None:
        if position.step == 6:
            raise Killed  # the tables are written, the checkpoint is not
        genuine(self, position, state)

    monkeypatch.setattr(Checkpoints, "save", save)
    assert performed(*MLP, "checkpoint_steps=1") is None
    monkeypatch.setattr(Checkpoints, "save", genuine)
    assert len(read_run(the_run()).rows("steps")) == 6
    performed(*MLP)
    assert read_run(the_run()).environment["resumed"][0]["step"] == 5
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


@pytest.mark.parametrize("every", [2, 7])
def test_the_state_is_read_as_often_as_one_likes_and_nothing_changes(every: int) -> None:
    # A tape that is read after every step sees a divergence at once, another one up to 50 steps later.
    words = [*MLP, "optimizer.lr=1e18", "trainer.max_epochs=20", f"monitor.every={every}", "monitor.dense_steps=0"]
    for results, more in {"often": ["checkpoint_steps=1"], "seldom": ["checkpoint_seconds=1000"]}.items():
        outcome = performed(*words, *more, results=results)
        assert outcome
        assert outcome.state == "diverged"
    assert fingerprint(the_run("often")) == fingerprint(the_run("seldom"))
    record = read_run(the_run("seldom"))
    assert record.summary
    assert record.summary.steps == len(record.rows("steps"))
    assert record.rows("layers")["step"].max() < record.summary.steps


def test_the_clock_and_the_memory_go_on_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper.RunKeeper, "peak_memory", lambda self: max(self._earlier_peak, memory))
    memory = 5e12
    performed(*MLP, "checkpoint_steps=1", die_after=7)
    before = read_run(the_run()).rows("epochs")["seconds"].iloc[-1]
    memory = 1.0
    outcome = performed(*MLP)
    assert outcome
    assert outcome.summary
    epochs = read_run(the_run()).rows("epochs")
    assert (epochs["seconds"].diff().dropna() > 0).all()
    assert epochs["seconds"].iloc[0] == before, "of the first attempt"
    assert outcome.summary.seconds > before
    assert outcome.summary.peak_memory_bytes == 5e12


def test_a_failed_run_begins_anew() -> None:
    performed(*MLP, "checkpoint_steps=1", die_after=7)
    store = RunStore(the_run())
    store.claim()
    store.load_rows({"steps": 4})
    store._status = store.written_status()
    store.finish("failed", reason="no luck")
    assert not list(the_run().glob("checkpoint*"))
    performed(*MLP)
    assert "resumed" not in json.loads((the_run() / "environment.json").read_text())


def out_of_reach(file: Path) -> Path:
    """Lets every read of this file fail, as on a disk that does not answer; returns where it is meanwhile."""
    aside = Path("aside")
    file.rename(aside)
    file.symlink_to(file.name)  # to itself: ELOOP
    return aside


def left_as_it_is() -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in the_run().iterdir()}


@pytest.mark.parametrize("name", ["checkpoint_000006.bin", "steps.parquet", "status.json"])
def test_a_disk_that_does_not_answer_for_a_while_costs_nothing(name: str) -> None:
    performed(*MLP, results="twin")
    performed(*MLP, "checkpoint_steps=1", die_after=7)
    run, before = the_run(), left_as_it_is()
    assert name in before
    aside = out_of_reach(run / name)
    outcome = performed(*MLP)
    aside.rename(run / name)
    assert outcome
    assert outcome.state == "refused"
    assert outcome.reason.startswith(f"{run}: it cannot be read (OSError: ")
    assert name in outcome.reason
    assert outcome.reason.endswith(
        "; nothing is changed: run the same command again, or remove that file if it stays so"
    )
    assert left_as_it_is() == before
    performed(*MLP)
    assert read_run(the_run()).environment["resumed"][0]["step"] == 6
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


NO_GPU_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
NO_CPU_MEMORY = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
BUSY = torch.AcceleratorError("CUDA error: the device is busy or unavailable")


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("the state", NO_GPU_MEMORY),
        ("the state", NO_CPU_MEMORY),
        ("the state", BUSY),
        ("the rows", MemoryError()),
        ("the network anew", NO_GPU_MEMORY),
        ("the network anew", BUSY),
    ],
)
def test_what_is_lacking_for_a_while_costs_nothing(
    where: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    performed(*MLP, results="twin")
    performed(*MLP, "checkpoint_steps=1", die_after=7)
    before, times = left_as_it_is(), 0
    genuine = run_module.build

    def lacking(*of: Any, **more: Any) -> Any:
        raise error

    def once(*of: Any) -> Any:
        nonlocal times
        times += 1
        return genuine(*of) if times == 1 else lacking()

    with monkeypatch.context() as patch:
        if where == "the rows":
            patch.setattr(pq, "read_table", lacking)
        elif where == "the state":
            patch.setattr(torch, "load", lacking)
        else:  # what is read is of no use, and then there is no room for another network
            patch.setattr(torch, "load", lambda *of, **more: {"kinds": []})
            patch.setattr(run_module, "build", once)
        outcome = performed(*MLP)
    words = "it could not be taken up" if error is BUSY else "there is no memory to take it up"
    assert outcome
    assert (outcome.state, outcome.reason.partition(" (")[0]) == ("refused", f"{the_run()}: {words}")
    assert "; nothing is changed: " in outcome.reason
    assert left_as_it_is() == before
    performed(*MLP)
    assert read_run(the_run()).environment["resumed"][0]["step"] == 6
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


@pytest.mark.parametrize("error", [RuntimeError("an own part\nthat is not mended yet"), SystemExit(0)], ids=repr)
def test_a_network_that_cannot_be_built_now_costs_no_checkpoint(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    performed(*MLP, results="twin")
    performed(*MLP, "checkpoint_steps=1", die_after=7)

    def fail(*of: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(run_module, "build", fail)
        outcome = performed(*MLP)
    run = read_run(the_run())
    assert outcome
    assert (outcome.state, outcome.path, outcome.reason) == ("failed", the_run(), run.reason)
    assert run.reason == f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    assert run.state == "interrupted", "it can go on"
    assert "in fail" in (the_run() / "traceback.txt").read_text()
    performed(*MLP)
    assert read_run(the_run()).environment["resumed"][0]["step"] == 6
    assert not (the_run() / "traceback.txt").exists()
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


@pytest.mark.parametrize("text", ["", "{}"])
def test_a_damaged_status_spoils_no_checkpoint(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    performed(*MLP, results="twin")
    performed(*MLP, "checkpoint_steps=1", die_after=7)
    status = the_run() / "status.json"
    status.write_text(text)
    performed(*MLP)
    err = capsys.readouterr().err
    assert err.startswith(f"vgp-bench: {the_run()}: damaged: ")
    assert str(status) in err
    assert err.endswith("; it goes on from step 6\n")
    (entry,) = read_run(the_run()).environment["resumed"]
    assert entry["step"] == 6
    assert len(entry["problems"]) == 1
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


def test_a_damaged_status_without_a_checkpoint_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    performed(*MLP)
    run = the_run()
    (run / "status.json").write_text("{")
    performed(*MLP)
    err = capsys.readouterr().err
    assert f"{run}/status.json: it cannot be parsed; " in err
    assert err.endswith("; it begins anew\n")
    assert read_run(run).state == "completed"


# So large that torch splits the sums: with one thread and with two the bits are not the same.
SPLIT = [word for word in MLP if not word.startswith(("architecture", "dataset", "trainer"))] + [
    "architecture.depth=3",
    "architecture.width=300",
    "dataset.train_size=1024",
    "dataset.validation_size=32",
    "dataset.test_size=32",
    "trainer.batch_size=512",
    "trainer.max_epochs=4",
]


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("begun", "asked"), [(2, 1), (1, 2)])
def test_a_run_goes_on_with_the_threads_it_began_with(
    begun: int, asked: int, threads: None, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.set_num_threads(begun)
    performed(*SPLIT, results="twin")
    assert performed(*SPLIT, "checkpoint_steps=1", die_after=4) is None
    assert capsys.readouterr().err == ""
    torch.set_num_threads(asked)
    performed(*SPLIT)
    word = "1 CPU thread" if begun == 1 else "2 CPU threads"
    assert capsys.readouterr().err == (
        f"vgp-bench: {the_run()}: it began with {word} and goes on so, not with {asked}: other bits would come of it\n"
    )
    environment = read_run(the_run()).environment
    assert [environment["threads"], *(entry["threads"] for entry in environment["resumed"])] == [begun, begun]
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))
    assert torch.get_num_threads() == asked, "the next run of the sweep has those that were asked for"


def test_a_run_that_begins_anew_has_the_threads_that_are_asked_for(
    threads: None, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.set_num_threads(2)
    performed(*MLP, "trainer.max_steps=1")
    store = RunStore(the_run())
    store.claim()
    store.finish("failed", reason="no luck")
    torch.set_num_threads(1)
    performed(*MLP, "trainer.max_steps=1")
    assert capsys.readouterr().err == ""
    assert read_run(the_run()).environment["threads"] == 1


@pytest.mark.parametrize("recorded", [None, "two", 0])
def test_a_record_that_does_not_say_how_many_threads_goes_on_with_those_there_are(
    recorded: Any, threads: None, capsys: pytest.CaptureFixture[str]
) -> None:
    performed(*MLP, "checkpoint_steps=1", die_after=7)
    file = the_run() / "environment.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"threads": recorded}))
    torch.set_num_threads(2)
    performed(*MLP)
    assert capsys.readouterr().err == ""
    assert read_run(the_run()).environment["resumed"][0]["threads"] == 2


def test_other_code_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    performed(*MLP, "checkpoint_steps=1", die_after=7)
    genuine = run_module.describe_environment
    monkeypatch.setattr(
        run_module, "describe_environment", lambda *a: {**genuine(*a), "code": {"commit": "f00", "dirty": True}}
    )
    performed(*MLP)
    environment = read_run(the_run()).environment
    assert environment["code"]["commit"] != "f00"
    assert [entry["code"] for entry in environment["resumed"]] == [{"commit": "f00", "dirty": True}]
    assert environment["resumed"][0]["problems"] == []


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("checkpoint_seconds=-1", "checkpoint_seconds=-1.0: must be 0 or more"),
        ("checkpoint_steps=0", "checkpoint_steps=0: must be 1 or more, or null for none by steps"),
    ],
)
def test_impossible_paces(word: str, message: str) -> None:
    outcome = performed(*MLP, word)
    assert outcome
    assert (outcome.state, outcome.reason) == ("refused", message)
    assert not Path("results").exists()
    with pytest.raises(ConfigError):
        Pace(-1, None)


def test_checkpoints_take_at_most_a_twentieth_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 0.0
    monkeypatch.setattr(keeper.time, "monotonic", lambda: clock)

    class Disk:
        def save(self, *of: Any) -> None:
            nonlocal clock
            clock += 3.0

    class Store:
        checkpoints = Disk()

        def flush(self) -> None: ...

        def counts(self) -> dict[str, int]:
            return {}

    class Nothing:
        done, number = 0, None

        def read(self) -> float:
            return 0.0

    monkeypatch.setattr(keeper, "state_of", lambda loop: b"")
    it = keeper.RunKeeper(Nothing(), Store(), Nothing(), Nothing(), Pace(10.0, 100))  # type: ignore[arg-type]
    clock = 9.9
    assert not it.is_due(1)
    assert it.is_due(200), "by steps, whatever the time"
    clock = 10.1
    assert it.is_due(1)
    it.keep()
    clock += 59
    assert not it.is_due(1), "it took 3 s: the next one after a minute"
    clock += 1.1
    assert it.is_due(1)


def test_deterministic_is_for_the_run_that_asked_for_it() -> None:
    seen: list[bool] = []
    genuine = run_module._train
    try:
        run_module._train = lambda loop: (seen.append(torch.are_deterministic_algorithms_enabled()), genuine(loop))[1]
        one = performed(*MLP, "deterministic=true", "trainer.max_steps=1")
        two = performed(*MLP, "trainer.max_steps=1")
    finally:
        run_module._train = genuine
    assert seen == [True, False]
    assert one
    assert two
    assert one.path != two.path, "it can change a number"


def test_random_parts_of_any_kind_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import random

    import numpy as np

    drawn: list[float] = []
    genuine = torch.nn.ReLU.forward

    def noisy(self: torch.nn.ReLU, z: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled():
            drawn.append(random.gauss(0, 1) + np.random.standard_normal() + torch.rand(()).item())
        elif not self.training:
            torch.rand(())  # also while it evaluates
        return genuine(self, z)

    monkeypatch.setattr(torch.nn.ReLU, "forward", noisy)
    words = [*MLP, "monitor=off"]
    words.remove("monitor.probe_images=16")
    words.remove("monitor.every=2")
    words.remove("monitor.dense_steps=3")

    def figures(results: str, *more: str, **how: Any) -> None:
        random.seed(1)
        np.random.seed(1)
        performed(*words, *more, results=results, **how)

    figures("twin")
    whole, drawn[:] = list(drawn), []
    figures("results", "checkpoint_steps=1", die_after=7)
    first, drawn[:] = list(drawn), []
    performed(*words)  # not seeded
    assert len(whole) == 24
    assert first[:12] + drawn == whole  # 6 steps with two layers each are in the checkpoint
    assert math.isfinite(sum(whole))


def test_killed_is_not_expected_anywhere() -> None:
    assert not issubclass(Killed, (Exception, KeyboardInterrupt)), "or the record would hear of it"
