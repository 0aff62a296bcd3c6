"""`vgp-bench list`: everything that can be composed, what it is and where it comes from."""

from pathlib import Path

import pytest

from tests.composing import names_on_disk
from vgp_bench.config import LISTED_GROUPS, config_dir
from vgp_bench.errors import ConfigError
from vgp_bench.listing import listing, options

ALL = LISTED_GROUPS


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10000")


@pytest.mark.parametrize("group", ALL)
def test_every_option_on_disk_has_a_description_and_a_source(group: str) -> None:
    found = options(group, [config_dir()])
    assert [option.name for option in found] == names_on_disk(group)
    for option in found:
        file = config_dir() / group / f"{option.name}.yaml"
        assert option.description.endswith("."), f"{file} begins with no sentence"
        assert f"# {option.description}" in file.read_text().splitlines()[:2]
        assert option.source, f"{file} has no `# Source:` line"


def test_everything_is_listed() -> None:
    lines = listing().splitlines()
    for group in ALL:
        start = lines.index(f"{group}=")
        shown = [line.split()[0] for line in lines[start + 1 : start + 1 + len(names_on_disk(group))]]
        assert shown == names_on_disk(group)


def test_one_group() -> None:
    lines = listing("activation").splitlines()
    assert lines[0] == "activation="
    assert len(lines) == 1 + len(names_on_disk("activation"))
    (relu,) = [line for line in lines if line.startswith("  relu ")]
    assert relu.split(maxsplit=1)[1] == "Rectified linear unit, max(0, z). [Nair & Hinton (2010)]"


def test_long_lines_are_wrapped_below_the_description(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    lines = listing("activation").splitlines()
    assert max(map(len, lines)) <= 70
    column = max(map(len, names_on_disk("activation"))) + 4
    assert any(line.startswith(" " * column) and line[column] != " " for line in lines)


@pytest.mark.parametrize(
    ("word", "hint"),
    [("activations", " Did you mean activation?"), ("experiments", " Did you mean experiment?"), ("x", "")],
)
def test_an_unknown_group(word: str, hint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        listing(word)
    assert str(raised.value) == f"list {word}: no such group.{hint} There are: {', '.join(ALL)}."


def test_options_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "activation").mkdir()
    (tmp_path / "activation" / "mine.yaml").write_text("# My own.\n# Source: me\n_target_: torch.nn.ReLU\n")
    (tmp_path / "activation" / "bare.yaml").write_text("_target_: torch.nn.ReLU\n# a late comment\n")
    (tmp_path / "activation" / "relu.yaml").write_text("# Hidden: a packaged option of this name comes first.\n")
    text = listing("activation", tmp_path)
    assert "My own. [me]" in text
    assert "(no description)" in text
    assert "Hidden" not in text
    assert "My own" not in listing("activation")


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"^--config-dir {tmp_path / 'none'}: no such folder$"):
        listing(own_folder=tmp_path / "none")


def test_an_option_with_its_keys() -> None:
    lines = listing("launcher=local").splitlines()
    assert lines[0] == "launcher="
    assert lines[1].startswith("  local  Each run in a process of its own on this machine")
    keys = [line.split()[0] for line in lines[2:]]
    assert keys == [
        "launcher.threads=null",
        "launcher.runs_per_gpu=1",
        "launcher.time_limit=null",
        "launcher.grace=30.0",
        "launcher.restarts=2",
    ]
    assert lines[4].endswith(
        "  minutes for each run; then it is asked to stop, and it keeps what it has; null: no limit"
    )


def test_an_option_of_your_own_has_its_keys_too(tmp_path: Path) -> None:
    (tmp_path / "activation").mkdir()
    (tmp_path / "activation" / "mine.yaml").write_text("# Mine.\n_target_: a.B\nbend: 4.0 # a # of it\nlist: [1, 2]\n")
    assert listing("activation=mine", tmp_path).splitlines() == [
        "activation=",
        "  mine  Mine.",
        "  activation.bend=4.0     a # of it",
        "  activation.list=[1, 2]",
    ]
