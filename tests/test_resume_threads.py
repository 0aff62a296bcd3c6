"""A run goes on with as many CPU threads as it began with: other sums, other bits."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.resuming import MLP, fingerprint, performed, the_run
from vgp_bench.records.reading import read_run
from vgp_bench.records.store import RunStore


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


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
