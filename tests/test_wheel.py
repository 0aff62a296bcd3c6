"""The wheel as a user installs it: everything in it, nothing of the checkout needed."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from vgp_bench import __version__

ROOT = Path(__file__).parents[1]


def call(words: Sequence[str | Path], folder: Path, **variables: str) -> str:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PIP_"))}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(source: Path, kind: str, folder: Path) -> Path:
    """The one file that hatchling builds from a source folder: a wheel or an sdist."""
    call([sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder], source)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", "--target"]
    call([sys.executable, "-m", "pip", "install", *options, folder, wheel], folder)
    return folder


def python(installed: Path, folder: Path, *words: str) -> str:
    """What Python prints when it sees the wheel and its dependencies, but not the checkout.

    -S: the editable installation adds the checkout by a .pth file, and those are not read then.
    """
    libraries = dict.fromkeys(sysconfig.get_paths()[key] for key in ("purelib", "platlib"))
    return call([sys.executable, "-S", *words], folder, PYTHONPATH=os.pathsep.join([str(installed), *libraries]))


def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def files_on_disk(folder: str, pattern: str) -> set[str]:
    found = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob(pattern)}
    assert found, f"no {pattern} in {folder}: the comparison would compare nothing"
    return found


def test_every_module_and_every_config_is_in_it(wheel: Path) -> None:
    modules = files_on_disk("vgp_bench", "*.py") | files_on_disk("hydra_plugins", "*.py")
    configs = {f"vgp_bench/{name}" for name in files_on_disk("configs", "*.yaml")}
    packed = {name for name in contents(wheel) if ".dist-info/" not in name}
    assets = files_on_disk("vgp_bench/report/page/assets", "page.*")  # without them there is no report
    assets |= files_on_disk("vgp_bench/claims/assets", "claims.*")
    claims = files_on_disk("vgp_bench/claims", "*.yaml")
    assert packed == modules | configs | assets | claims


def test_its_version_is_the_packages(wheel: Path) -> None:
    assert wheel.name == f"vgp_bench-{__version__}-py3-none-any.whl"


def test_the_license_and_the_command_are_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (entry_points,) = (n for n in archive.namelist() if n.endswith(".dist-info/entry_points.txt"))
        assert "vgp-bench = vgp_bench.cli:main" in archive.read(entry_points).decode()
        assert any(n.endswith(".dist-info/licenses/LICENSE") for n in archive.namelist())


def test_the_source_archive_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    archive = build(ROOT, "sdist", tmp_path / "sdist")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert contents(build(source, "wheel", tmp_path / "again")) == contents(wheel)


def test_the_installed_copy_is_the_one_that_runs(installed: Path, tmp_path: Path) -> None:
    program = """
import importlib.util, sys
import vgp_bench, hydra_plugins.vgp_bench_study.grid as plugin
from vgp_bench.config import config_dir
print(vgp_bench.__file__, plugin.__file__, config_dir(), importlib.util.find_spec("tests"), sep="\\n")
"""
    assert python(installed, tmp_path, "-c", program).splitlines() == [
        str(installed / "vgp_bench/__init__.py"),
        str(installed / "hydra_plugins/vgp_bench_study/grid.py"),
        str(installed / "vgp_bench/configs"),
        "None",
    ]


def test_it_lists_the_packaged_options(installed: Path, tmp_path: Path) -> None:
    printed = python(installed, tmp_path, "-m", "vgp_bench", "list")
    for group in (ROOT / "configs").iterdir():
        if group.is_dir() and group.name != "hydra":
            assert f"{group.name}=" in printed
            assert all(f"  {path.stem} " in printed for path in group.glob("*.yaml"))


def test_it_composes_with_its_own_hydra_plugin(installed: Path, tmp_path: Path) -> None:
    words = ("-m", "vgp_bench", "run", "architecture=resnet", "activation=tanh")
    assert "_target_: torch.nn.Tanh" in python(installed, tmp_path, *words, "--cfg", "job")
    plugins = python(installed, tmp_path, *words, "--cfg", "hydra", "--package", "hydra")
    assert "hydra_plugins.vgp_bench_study.grid.GridSweeper" in plugins
    assert list(tmp_path.iterdir()) == []


def test_it_runs_a_sweep(installed: Path, tmp_path: Path) -> None:
    words = ["run", "-m", "seed=0,1", "architecture.width=8", "trainer.max_steps=1", "device=cpu"]
    python(installed, tmp_path, "-m", "vgp_bench", *words)
    assert len(list(tmp_path.glob("results/default/*/layers.parquet"))) == 2


def test_the_command_is_installed(installed: Path, tmp_path: Path) -> None:
    assert call([installed / "bin/vgp-bench", "--version"], tmp_path, PYTHONPATH=str(installed)).startswith(
        "vgp-bench 0."
    )
