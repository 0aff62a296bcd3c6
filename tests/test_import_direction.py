"""The house of design.md, read from the imports: nothing imports upwards, and the wings meet only in records."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import vgp_bench

PACKAGE = Path(vgp_bench.__file__).parent

# A unit (module or subpackage) may import only units of a lower floor.
FLOORS = {
    "version": 0,
    "errors": 0,
    "plural": 0,
    "wrapping": 0,
    "making": 1,
    "config": 1,
    "records": 1,
    "theory": 1,
    "components": 1,
    "data": 1,
    "option_keys": 2,
    "config_check": 3,
    "config_advice": 2,
    "trackers": 2,
    "architectures": 2,
    "diagnosis": 2,
    "compare": 3,
    "frames": 3,
    "listing": 4,
    "override_words": 1,
    "composition": 5,
    "monitor": 3,
    "report": 4,
    "live": 4,
    "probe": 6,
    "training": 4,
    "building": 5,
    "run": 6,
    "outcome": 2,
    "sweep_record": 2,
    "overview": 3,
    "run_log": 4,
    "study": 4,
    "study_jobs": 5,
    "worker": 7,
    "launchers": 8,
    "progress": 9,
    "plan": 9,
    "terminal": 10,
    "overview_text": 10,
    "rehearsal": 10,
    "sweep": 11,
    "doctor": 12,
    "claims": 12,
    "commands": 13,
    "cli": 14,
    "__main__": 15,
}
READING = {"compare", "diagnosis", "frames", "report"}
READING_MAY_IMPORT = READING | {"errors", "plural", "records", "theory", "version"}
ABOVE_BOTH_WINGS = {"commands", "cli", "__main__", "live", "probe", "doctor", "claims", "terminal"}
WITHOUT_TORCH = READING | {"records", "listing", "theory"}


def imports(path: Path) -> set[str]:
    """The units of this package that a file imports, also inside functions and for type checking only."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in found if name.startswith("vgp_bench.")}


def torch_imports(package: Path) -> list[str]:
    """Files of the reading wing, and below it, that import torch anywhere: inside a function, or for types only."""
    found = []
    for unit in sorted(WITHOUT_TORCH):
        files = [*(package / unit).rglob("*.py"), *package.glob(f"{unit}.py")]
        assert files, f"{unit} is gone: the test over its files would test nothing"
        for path in files:
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                if any(name.split(".")[0] in ("torch", "torchvision") for name in names):
                    found.append(f"{path.name}: {unit} imports torch")
    return found


def violations(package: Path) -> list[str]:
    found = []
    for path in sorted(package.rglob("*.py")):
        unit = path.relative_to(package).parts[0].removesuffix(".py")
        if unit == "__init__":
            continue
        for other in imports(path) - {unit}:
            if FLOORS[other] >= FLOORS[unit]:
                found.append(f"{path.name}: {unit} imports {other}, which is not below it")
            if unit in READING and other not in READING_MAY_IMPORT:
                found.append(f"{path.name}: {unit} (reading wing) imports {other}")
            if unit not in READING | ABOVE_BOTH_WINGS and other in READING:
                found.append(f"{path.name}: {unit} (making wing) imports {other}")
    return found


def test_nothing_imports_upwards() -> None:
    assert violations(PACKAGE) == []


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("records/store.py", "from vgp_bench.compare import compare"),
        ("components/schedules.py", "import vgp_bench.training.loop"),
        ("report/tables/table.py", "def late():\n    from vgp_bench.monitor import norms"),
        ("data/batches.py", "from vgp_bench.components import schedules"),
    ],
)
def test_an_upward_import_is_found(tmp_path: Path, where: str, line: str) -> None:
    copy = tmp_path / "vgp_bench"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / where).open("a") as file:
        file.write(f"\n{line}\n")
    assert violations(PACKAGE) == []
    assert violations(copy)


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("records/environment.py", "def late():\n    import torch"),
        ("report/tables/table.py", "def late():\n    from torch.nn import functional"),
        ("theory/mean_field.py", "import numpy, torch.nn"),
    ],
)
def test_no_file_of_the_reading_wing_imports_torch_even_late(tmp_path: Path, where: str, line: str) -> None:
    assert torch_imports(PACKAGE) == []
    copy = tmp_path / "vgp_bench"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / where).open("a") as file:
        file.write(f"\n{line}\n")
    assert len(torch_imports(copy)) == 1


@pytest.mark.parametrize(
    "module",
    [
        "records.store",
        "records.reading",
        "compare",
        "frames",
        "report.tables.table",
        "report.plots.kind",
        "report.page.build",
        "theory.predicted_decay",
        "diagnosis.judge",
        "listing",
        "cli",
    ],
)
def test_the_reading_wing_works_without_torch(module: str) -> None:
    block = f"import sys; sys.modules['torch'] = None; import vgp_bench.{module}"
    subprocess.run([sys.executable, "-c", block], check=True)
