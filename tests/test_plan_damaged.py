"""What a sweep does with a record that cannot be read: named, kept aside, and run again."""

import errno
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.own_parts import Incident
from tests.small_runs import OWN, SMALL, folder_with_own_parts  # noqa: F401  a fixture of every test here too
from tests.swept_runs import TINY, Swept, labels, path_of, sweeping
from vgp_bench.cli import main
from vgp_bench.compare import compare
from vgp_bench.plan import look
from vgp_bench.records.reading import find_runs, read_run, read_status
from vgp_bench.run_log import resumptions


@pytest.fixture
def swept(capsys: pytest.CaptureFixture[str]) -> Swept:
    return sweeping(capsys)


SMALL_FILES = ["status.json", "config.yaml", "choices.json", "environment.json", "summary.json"]


@pytest.mark.parametrize("name", [*SMALL_FILES, "steps.parquet"])
def test_a_record_that_cannot_be_read_is_none(name: str, swept: Swept) -> None:
    assert look(Path("results/none"), "never") == ("new", None)
    swept("seed=0")
    file = path_of(0) / name
    assert [look(path_of(0), retry)[0] for retry in ("never", "failed", "all")] == ["finished"] * 3
    path = file.parent
    for wrong in (b"{{", b"", None):
        file.unlink() if wrong is None else file.write_bytes(wrong)
        if wrong is None and name == "steps.parquet":
            continue  # a run without a monitor lacks other tables too
        gone = wrong is None and name == "status.json"
        expected = ["new"] * 3 if gone else ["left", "damaged", "damaged"]
        looks = [look(path, retry) for retry in ("never", "failed", "all")]
        assert [found for found, _ in looks] == expected
        assert gone or all(status and status.state == "damaged" and str(file) in status.reason for _, status in looks)


def test_a_fault_within_a_table_is_found_where_all_is_read(swept: Swept) -> None:
    swept("seed=0")
    file = path_of(0) / "steps.parquet"
    content = bytearray(file.read_bytes())
    content[4:40] = bytes(36)  # the first page, behind the name of the format
    file.write_bytes(bytes(content))
    assert [look(path_of(0), retry)[0] for retry in ("failed", "all")] == ["finished", "damaged"]


def test_a_disk_that_does_not_answer_says_nothing_against_a_run(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    swept("seed=0")
    path, genuine = path_of(0), Path.read_text

    def read_text(self: Path, *of: Any, **more: Any) -> str:
        if self.name == "config.yaml":
            raise OSError(errno.EIO, "Input/output error")
        return genuine(self, *of, **more)

    monkeypatch.setattr(Path, "read_text", read_text)
    assert [look(path, retry)[0] for retry in ("failed", "all")] == ["finished", "finished"]


def test_damaged_runs_are_named_and_run_again_and_what_they_had_is_kept(swept: Swept) -> None:
    names = dict(enumerate([*SMALL_FILES, "steps.parquet"]))  # seed -> its damaged file; the last one has none
    sound, seeds = len(names), f"seed=range(0,{len(names) + 1})"
    swept(seeds)
    paths = {seed: path_of(seed) for seed in names}
    before = {seed: {file.name: file.read_bytes() for file in path.iterdir()} for seed, path in paths.items()}
    for seed, name in names.items():
        (paths[seed] / name).write_bytes(b"{{")
    code, out, _ = swept(seeds, "--dry-run")
    assert code == 0
    assert [re.split("  +", line)[1:] for line in out[: sound + 1]] == [
        *(["damaged, run again", f"seed={seed}"] for seed in names),
        ["finished", f"seed={sound}"],
    ]
    code, out, err = swept(seeds)
    assert (code, labels(out)) == (0, [f"seed={seed}" for seed in names])
    assert out[:2] == ["1 of 7 runs finished earlier and not run again", "6 damaged, run again"]
    for seed, (line, told) in enumerate(zip(out[2:8], err, strict=True)):
        assert line.startswith("  damaged: ")
        assert str(paths[seed] / names[seed]) in line
        assert told.startswith(f"vgp-bench: {paths[seed]}: damaged: ")
        assert told.endswith(f"; what it had is kept in {paths[seed] / 'damaged'}; it begins anew")
        kept = {file.name: file.read_bytes() for file in (paths[seed] / "damaged").iterdir()}
        assert kept == before[seed] | {names[seed]: b"{{"}
    assert compare(find_runs(["results"])).groups["n"].sum() == 7
    code, out, err = swept(seeds)
    assert (code, out[0], err) == (0, "7 of 7 runs finished earlier and not run again", [])


@pytest.mark.parametrize("name", ["config.yaml", "choices.json", "environment.json"])
def test_a_damaged_file_of_a_run_that_goes_on_is_written_anew(name: str, swept: Swept) -> None:
    Path("HOLD").write_text("")
    command = [*OWN, "seed=0", "trainer.max_steps=8", "checkpoint_steps=1", "retry=failed"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.own_parts.Incident.step", interrupting(3))
        assert main(["run", *TINY, *command]) == 130
    Path("HOLD").unlink()
    path = path_of(0)
    assert read_status(path).state == "interrupted"
    (path / name).write_text("{{")
    assert main(["run", *TINY, *command]) == 0
    assert read_run(path).state == "completed"
    assert resumptions(path) == [3]


def interrupting(at: int) -> Callable[..., Any]:
    """A step of the own optimizer that Ctrl-C meets as the step number `at` is done."""
    genuine, steps = Incident.step, 0

    def step(self: Incident, *of: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps == at:
            signal.raise_signal(signal.SIGINT)
        return genuine(self, *of)

    return step
