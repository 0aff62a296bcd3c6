"""CONTRIBUTING.md does what it says: its examples are written to disk as printed, and its commands are run.

Inside: in a copy of the package. Outside: in a folder of one's own beside it, with the package as it is.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.test_import_direction import violations

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
INSIDE, OUTSIDE = GUIDE.split("## The same, outside of the package")
# A path alone on a line, an empty line, and the block with the file's content.
FILE = re.compile(r"^`([\w./]+\.\w+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CHANGED_IN = re.compile(r"\bvgp_bench\.(?:architectures|components|data)\.(?=(?:vanilla_cnn|squareplus|npz)\.)")

STAGES = [*(f"conv_{depth}" for depth in range(1, 7)), "output"]


def run(commands: str, folder: Path, **variables: str) -> str:
    """What the commands print, run as a reader would in a shell with .venv active."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VGP_"))}
    done = subprocess.run(
        ["bash", "-euc", commands],
        cwd=folder,
        env={**kept, "PATH": path, "OMP_NUM_THREADS": "1", **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def records(folder: Path) -> dict[str, tuple[dict, pd.DataFrame]]:
    """Option names of each completed run of two steps -> (its config, its layer rows)."""
    found = {}
    for path in (folder / "results").glob("*/[!.]*"):
        config = yaml.safe_load((path / "config.yaml").read_text())
        choices = json.loads((path / "choices.json").read_text())
        assert json.loads((path / "status.json").read_text())["state"] == "completed"
        assert json.loads((path / "summary.json").read_text())["steps"] == 2
        found[" ".join(choices[group] for group in ("architecture", "activation", "dataset"))] = (
            config,
            pd.read_parquet(path / "layers.parquet"),
        )
    return found


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout in which the guide's files were written and its commands run."""
    folder = tmp_path_factory.mktemp("inside")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("vgp_bench", "hydra_plugins", "configs", "docs", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, content in FILE.findall(INSIDE):
        assert not (folder / name).exists(), f"{name} is there already: the guide should show something new"
        (folder / name).write_text(content, encoding="utf-8")
    printed = [run(commands, folder, PYTHONPATH=str(folder)) for commands in COMMANDS.findall(INSIDE)]
    (folder / "printed").write_text("\n".join(printed))
    return folder


@pytest.fixture(scope="module")
def study(copy: Path) -> Iterator[Path]:
    """A folder of one's own with the same parts, its package and its configs."""
    folder = copy / "study"
    for name, content in FILE.findall(INSIDE):
        own = folder / "my_parts" / Path(name).name if name.startswith("vgp_bench/") else folder / name
        if name.startswith(("vgp_bench/", "configs/")):
            own.parent.mkdir(parents=True, exist_ok=True)
            own.write_text(CHANGED_IN.sub("my_parts.", content), encoding="utf-8")
    (folder / "printed").write_text("\n".join(run(commands, folder) for commands in COMMANDS.findall(OUTSIDE)))
    return folder


def test_the_guide_has_the_three_examples() -> None:
    names = [name for name, _ in FILE.findall(INSIDE)]
    for folder in ("architectures", "components", "data"):
        assert any(name.startswith(f"vgp_bench/{folder}/") for name in names)
    assert GUIDE.count("```") == 2 * (len(FILE.findall(GUIDE)) + len(COMMANDS.findall(GUIDE)) + 1), (
        "a block is neither a file nor commands (nor the one folder tree)"
    )


def test_inside_each_part_makes_a_record(copy: Path) -> None:
    found = records(copy)
    assert set(found) == {"vanilla_cnn relu digits", "mlp celu digits", "mlp squareplus digits", "mlp relu npz"}
    _, layers = found["vanilla_cnn relu digits"]
    assert layers[layers.step == 0].name.tolist() == STAGES
    assert layers[layers.step == 0].depth.tolist() == list(range(1, 8))
    assert (layers.activation_gradient_l2 > 0).all()
    config, layers = found["mlp squareplus digits"]
    assert config["activation"] == {"_target_": "vgp_bench.components.squareplus.Squareplus", "b": 4.0}
    assert layers[layers.kind == "hidden"].saturated_fraction.between(0, 1).all()


def test_the_files_of_a_record_are_those_that_the_results_readme_explains(copy: Path) -> None:
    explained = re.findall(r"^\| `(\w+\.\w+)` \|", (ROOT / "results/README.md").read_text(), re.MULTILINE)
    for folder in (copy / "results").glob("*/[!.]*"):
        seldom = {"traceback.txt", "times.parquet", "angles.parquet"}
        assert {path.name for path in folder.iterdir()} == set(explained) - seldom


def test_inside_it_is_listed_with_its_source_and_stands_in_the_table(copy: Path) -> None:
    printed = " ".join((copy / "printed").read_text().split())
    assert "vanilla_cnn Convolutions of equal width, one after another, without shortcuts. [after Xiao" in printed
    # z < -0.9 sqrt(4 / 0.19)
    assert re.search(r"\| squareplus \| 1\.0000 \| z < -4\.129 \|", (copy / "docs/activations.md").read_text())


def test_inside_nothing_imports_upwards(copy: Path) -> None:
    assert violations(copy / "vgp_bench") == []


def test_inside_the_tests_over_every_file_find_it_and_the_examples_own_tests_pass(copy: Path) -> None:
    words = "vanilla_cnn or celu or squareplus or npz or up_to_date"
    files = ["test_architectures_matrix", "test_components_activations", "test_components_squareplus"]
    files += ["test_components_table", "test_data_configs", "test_data_npz"]
    command = f'python -m pytest -q -p no:cacheprovider -k "{words}" {" ".join(f"tests/{file}.py" for file in files)}'
    printed = run(command, copy, PYTHONPATH=str(copy))
    passed = re.search(r"(\d+) passed", printed)
    assert passed
    assert int(passed[1]) >= 6 + 2 + 3 + 1 + 2 + 2, printed


def test_the_code_of_the_guide_is_in_house_style(copy: Path) -> None:
    files = " ".join(name for name, _ in FILE.findall(INSIDE) if name.endswith(".py"))
    run(f"ruff check {files} && ruff format --diff {files}", copy)


def test_outside_the_parts_make_a_record_with_the_package_as_it_is(study: Path) -> None:
    ((options, (config, layers)),) = records(study).items()
    assert options == "vanilla_cnn squareplus npz"
    assert [config[group]["_target_"] for group in ("architecture", "activation", "dataset")] == [
        "my_parts.vanilla_cnn.VanillaCNN",
        "my_parts.squareplus.Squareplus",
        "my_parts.npz.load",
    ]
    assert layers[layers.step == 0].name.tolist() == STAGES


def test_outside_it_is_listed_and_only_the_target_changed(study: Path) -> None:
    assert "vanilla_cnn" in (study / "printed").read_text()
    ((name, content),) = FILE.findall(OUTSIDE)
    assert (study.parent / name).read_text() == content
