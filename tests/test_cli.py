"""The command as typed: exit codes, one line for a mistake, no traceback, nothing left behind, quick answers."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from torchvision import datasets

from tests.composing import names_on_disk
from tests.data_fixtures import NOWHERE
from tests.made_runs import layer_rows, make_run, mlp_config
from vgp_bench import __version__
from vgp_bench.cli import COMMANDS, main
from vgp_bench.composition import compose
from vgp_bench.config import GROUPS, LISTED_GROUPS, RunConfig
from vgp_bench.override_words import flags_last

COMMAND = [sys.executable, "-m", "vgp_bench"]
RUN_KEYS = ", ".join(field.name for field in fields(RunConfig))


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VGP_DATA_DIR", raising=False)


Complaint = Callable[[Sequence[str]], str]


@pytest.fixture
def complaint(capsys: pytest.CaptureFixture[str]) -> Complaint:
    """The one line on stderr of a refused command, without its `vgp-bench: `."""

    def of(words: Sequence[str]) -> str:
        assert main(words) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.count("\n") == 1
        assert printed.err.startswith("vgp-bench: ")
        assert not Path("results").exists()
        return printed.err.removeprefix("vgp-bench: ").rstrip("\n")

    return of


A_GROUP_TAKES = f"a group ({', '.join(GROUPS)}) takes the name of an option, say activation=relu"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["activation=rleu"], "activation=rleu: no such activation. Did you mean relu? There are: "
         f"{', '.join(names_on_disk('activation'))}."),
        (["-m", "activation=relu,nonsense"], "activation=nonsense: no such activation. There are: "
         f"{', '.join(names_on_disk('activation'))}."),
        (["experiment=demo"], "experiment=demo: no such experiment. Did you mean demo_mlp? There are: "
         f"{', '.join(names_on_disk('experiment'))}."),
        (["activaton=relu"], f"activaton: a run has no such key. Did you mean activation? There are: {RUN_KEYS}."),
        (["sed=3"], f"sed: a run has no such key. Did you mean seed? There are: {RUN_KEYS}."),
        (["architecture.dpth=3"], "architecture.dpth: architecture has no such key. Did you mean depth? "
         "There are: depth, width."),
        (["activation.slope=1"], "activation.slope: activation has no such key. It takes no keys."),
        (["-m", "trainer.batchsize=1,2"], "trainer.batchsize: trainer has no such key. Did you mean batch_size? "
         "There are: batch_size, max_epochs, max_steps, clip_norm, clip_value, clip_adaptive, micro_batches, "
         "precision, label_smoothing."),
        (["seed=x"], "seed=x: expected an integer"),
        (["-m", "seed=1,x"], "seed=x: expected an integer"),
        (["seed=1.5"], "seed=1.5: expected an integer"),
        (["progress=maybe"], "progress=maybe: expected true or false"),
        (["activation=null"], f"{A_GROUP_TAKES} (Config group override must be a string or a list. Got NoneType)"),
        (["architecture=3"], f"{A_GROUP_TAKES} (Config group override must be a string or a list. Got int)"),
        (["~activation"], "activation: a run needs one option of it, activation=NAME; "
         "see `vgp-bench list activation`"),
        (["activation=[relu]"], "activation: a run needs one option of it, activation=NAME; "
         "see `vgp-bench list activation`"),
        (["data_dir=${oc.env:NO_SUCH}"], "KeyError raised while resolving interpolation: "
         "\"Environment variable 'NO_SUCH' not found\""),
        (["-m", "seed=range(0,0)"], "the sweep is empty: one of its keys has no values"),
        (["partition=gpu"], "partition: a run has no such key. Did you mean launcher.partition, "
         "a key of launcher=slurm?"),
        (["threads=2"], "threads: a run has no such key. Did you mean launcher.threads, a key of launcher=local?"),
        (["launcher=slurm", "partition=gpu"], "partition: a run has no such key. Did you mean launcher.partition, "
         "a key of launcher=slurm?"),
        (["launcher.partition=gpu"], "launcher.partition: a key of launcher=slurm; add launcher=slurm"),
        (["launcher.restarts=1"], "launcher.restarts: a key of launcher=local and launcher=ray and launcher=slurm; "
         "add launcher=local"),
        (["launcher=slurm", "launcher.time=1:00:00"], "launcher.time=1:00:00: expected an integer or null: "
         "minutes for each run between two restarts"),
        (["launcher=local", "launcher.time_limit=long"], "launcher.time_limit=long: expected a number or null: "
         "minutes for each run"),
        (["--config-dir", "/no/such"], "Additional config directory '/no/such' not found"),
    ],
)  # fmt: skip
def test_words_that_compose_to_nothing(words: list[str], message: str, complaint: Complaint) -> None:
    assert complaint(["run", *words]) == message


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "seed=1,2", "--config-dir", "mine", "activation=tanh"],
        ["seed=1,2", "-m", "activation=tanh"],
        ["activation=tanh", "--config-dir", "mine", "-m", "seed=1,2"],
    ],
)
def test_flags_may_stand_between_the_words(words: list[str]) -> None:
    Path("mine").mkdir()
    runs = compose(words)
    assert [(run.config["seed"], run.choices["activation"]) for run in runs] == [(1, "tanh"), (2, "tanh")]


def test_flags_that_show_something_may_stand_before_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--cfg", "job", "seed=7", "--package", "trainer", "trainer.max_epochs=77"]) == 0
    assert "max_epochs: 77" in capsys.readouterr().out
    assert flags_last(["--info", "all", "seed=7"]) == ["seed=7", "--info", "all"]
    assert flags_last(["-i", "seed=7", "-m"]) == ["seed=7", "-i", "-m"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("foo", "foo: write KEY=VALUE or GROUP=OPTION, say architecture.depth=20 or activation=relu"),
        ("[1,2]", "[1,2]: write KEY=VALUE"),
        ("architecture.depth==(3", "architecture.depth==(3: cannot be read; write KEY=VALUE"),
        ("--mutlirun", "unrecognized arguments: --mutlirun. Did you mean --multirun?"),
        ("seed=0,", "seed=0,: a value is missing after the last comma"),
        ("architecture=[", "architecture=[: cannot be read; write KEY=VALUE"),
        ("=3", "=3: write KEY=VALUE"),
        ("seed=0,1", "seed=0,1: several values make a sweep, which needs -m: vgp-bench run -m seed=0,1"),
    ],
)
def test_words_that_are_no_overrides(word: str, message: str, complaint: Complaint) -> None:
    assert complaint(["run", word]).startswith(message)


def test_a_broken_file_of_the_users(tmp_path: Path, complaint: Complaint) -> None:
    (tmp_path / "mine" / "activation").mkdir(parents=True)
    (tmp_path / "mine" / "activation" / "broken.yaml").write_text("_target_: torch.nn.ReLU\nkeys: [\n")
    assert f"{tmp_path}/mine/activation/broken.yaml" in complaint(["run", "--config-dir", "mine", "activation=broken"])
    (tmp_path / "mine" / "activation" / "mistyped.yaml").write_text("_target: torch.nn.ReLU\n")
    assert (
        complaint(["run", "--config-dir", "mine", "activation=mistyped"])
        == "activation=mistyped: its file has no `_target_:` key, so it names nothing to build"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("architecture.depth=ten", "architecture.depth=ten: expected an integer"),
        ("+foo=1", "foo: a run has no such key."),
        (
            "architecture=resnet architecture.depth=21",
            "architecture.depth=21: must be 6n+2 (three groups of n times 2 layers, stem and classifier): use 20 or 26",
        ),
        (
            "initializer=delta_orthogonal architecture=mlp",
            "initializer=delta_orthogonal: the architecture has no convolutions: use initializer=orthogonal",
        ),
        (
            "normalizer=instance architecture=mlp",
            "normalizer=instance: a dense layer has no positions to average over: use normalizer=layer, "
            "or a convolutional architecture",
        ),
        (
            "architecture=resnet architecture.residual=fixup normalizer=batch",
            "architecture.residual=fixup takes the place of normalization: set normalizer=none, "
            "or architecture.residual=rezero",
        ),
        ("optimizer.momentum=-1", "optimizer.momentum=-1: Invalid momentum value: -1"),
        ("trainer.batch_size=0", "trainer.batch_size=0: must be at least 1"),
        ("trainer.max_epochs=-1", "trainer.max_epochs=-1: must be at least 0"),
        ("trainer.clip_norm=0", "trainer.clip_norm=0: must be above 0, or null for no clipping"),
        ("monitor.every=0", "monitor.every=0: must be at least 1, or null for never"),
        (
            "trainer.batch_size=1238",
            "trainer.batch_size=1238 is more than the 1237 training images; lower it or use more training images",
        ),
        (
            "dataset=image_folder",
            "dataset=image_folder needs dataset.folder=PATH, a folder with one folder of images per class",
        ),
    ],
)
def test_what_cannot_be_built(words: str, message: str, complaint: Complaint) -> None:
    assert complaint(["run", *words.split()]) == message


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_a_device_that_is_not_there(device: str, complaint: Complaint) -> None:
    assert (
        complaint(["run", f"device={device}"])
        == f"device={device}: torch sees no CUDA device here; use device=cpu or device=auto"
    )


@pytest.mark.parametrize("size", [10**12, 10**18])
def test_a_network_larger_than_any_memory(size: int, complaint: Complaint) -> None:
    message = complaint(["run", f"architecture.width={size}"])
    assert message.startswith("out of memory; make trainer.batch_size or the architecture smaller (RuntimeError: ")


def test_missing_data_without_network(monkeypatch: pytest.MonkeyPatch, complaint: Complaint) -> None:
    monkeypatch.setattr(datasets.MNIST, "mirrors", [NOWHERE])
    monkeypatch.setenv("no_proxy", "*")
    message = complaint(["run", "dataset=mnist", "data_dir=empty"])
    assert message.startswith("MNIST is not in empty and cannot be downloaded (")
    assert "into empty/MNIST/raw" in message
    assert message.endswith("or set data_dir=PATH or VGP_DATA_DIR to a folder that has them")


def test_an_image_folder_without_classes(tmp_path: Path, complaint: Complaint) -> None:
    (tmp_path / "photos").mkdir()
    assert (
        complaint(["run", "dataset=image_folder", f"dataset.folder={tmp_path}/photos"])
        == f"{tmp_path}/photos needs a folder for each of two or more classes, with images inside; found none"
    )


def test_a_results_folder_that_is_a_file_is_refused_before_data_are_fetched(
    tmp_path: Path, complaint: Complaint
) -> None:
    (tmp_path / "taken").write_text("a file")
    message = complaint(["run", "results_dir=taken", "dataset=image_folder", "dataset.folder=none"])
    assert message.startswith("a file is in the way: cannot write taken/default/")
    assert message.endswith("; set results_dir to a folder")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("list nonsense", f"list nonsense: no such group. There are: {', '.join(LISTED_GROUPS)}."),
        (
            "list launcher=slum",
            "list launcher=slum: no such launcher. Did you mean slurm? There are: inline, local, ray, slurm.",
        ),
        ("list --config-dir none", "--config-dir none: no such folder"),
        ("compare none", "no such folder: none; give a run, an experiment or the results folder"),
        ("compare .", "no run (a folder with a status.json) in .; give the folder of a run"),
        ("plot gradient-depth . -o x.png --step x", "--step x: use first, last or a step number"),
        ("plot gradient-depth . -o x.png --step -1", "--step -1: use first, last or a step number"),
        ("plot gradient-depth . -o x.png", "no run (a folder with a status.json) in .; give the folder of a run"),
    ],
)
def test_mistakes_of_the_reading_commands(words: str, message: str, complaint: Complaint) -> None:
    assert complaint(words.split()) == message


def test_compare_and_plot_print_what_they_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(tmp_path / "results", mlp_config(), layers=layer_rows([0.1, 0.2, 0.3]), test_accuracy=0.25)
    assert main(["compare", "results"]) == 0
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert table.index(["1", "25.0", "0.0", "1,000"]) > table.index(["n", "acc", "%", "%", "parameters"])
    assert main(["plot", "gradient-depth", "results", "-o", "figure.svg", "--step", "0"]) == 0
    assert capsys.readouterr().out == "figure.svg\n"
    assert Path("figure.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize("words", [[], ["nonsense"], ["plot", "nonsense", "."], ["compare"], ["compare", "--fo", "."]])
def test_a_call_that_is_no_command_gets_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    line = capsys.readouterr().err
    assert line.startswith("vgp-bench: ")
    assert line.count("\n") == 1
    assert "--help`" in line


def answered(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, env={**os.environ, **environment})


def test_python_m() -> None:
    done = answered("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"vgp-bench {__version__}\n", "")


def test_no_library_adds_lines_of_its_own() -> None:
    done = answered("run", "activation._target_=torch.nn.Relu")
    sign_of_life, message = done.stderr.splitlines()
    assert (done.returncode, done.stdout, sign_of_life) == (2, "", "1 run, loading torch ...")
    assert message.startswith("vgp-bench: activation=relu: cannot find `_target_: torch.nn.Relu` (")


# The whole command is imported and run in a fresh interpreter in which torch cannot be imported at all.
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
sys.argv = ["vgp-bench", *sys.argv[1:]]
from vgp_bench.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--help", "usage: vgp-bench"),
        ("run --help", "== Options of each group =="),
        ("run --help", "vgp-bench list launcher=slurm"),
        ("list launcher=slurm", "launcher.time=null          minutes for each run"),
        ("list", "architecture="),
        ("run --cfg job activation=tanh seed=3", "torch.nn.Tanh"),
        ("run --cfg job experiment=demo_mlp", "torch.optim.Adam"),
    ],
)
def test_what_only_shows_something_needs_no_torch(words: str, expected: str) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *words.split()], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert expected in done.stdout
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("vgp-bench run architecture=", [f"architecture={name}" for name in names_on_disk("architecture")]),
        ("vgp-bench run activation=relu architecture.de", ["architecture.depth="]),
        ("vgp-bench ", list(COMMANDS)),
        ("vgp-bench l", ["list", "log"]),
    ],
)
def test_tab_completion(typed: str, offered: list[str]) -> None:
    done = answered("-sc", "query=bash", COMP_LINE=typed, COMP_POINT=str(len(typed)))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == offered


def test_tab_completion_can_be_installed() -> None:
    done = answered("run", "-sc", "install=bash")
    assert done.returncode == 0
    assert "complete -o nospace -o default -F hydra_bash_completion" in done.stdout


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["list", "--help", "run --help"])
def test_a_closed_pipe_is_no_error(words: str, unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)  # as if `head` had ended already
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run([*COMMAND, *words.split()], stdout=writer, stderr=subprocess.PIPE, text=True, env=environment)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
