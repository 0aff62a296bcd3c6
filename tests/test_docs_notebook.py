"""The notebook in docs runs, from the first cell to the last, on results like those of the demo."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def demo_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's perceptrons, without normalization, for a few steps."""
    results = tmp_path_factory.mktemp("results")
    words = ["experiment=demo_mlp", "normalizer=none,batch", "activation=sigmoid,relu", "trainer.max_steps=4"]
    words += [f"results_dir={results}", "progress=false", "monitor.probe_images=32"]
    subprocess.run([sys.executable, "-m", "vgp_bench", "run", *words], check=True, capture_output=True)
    return results / "demo"


def test_the_notebook_on_the_demo_runs(demo_results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient", reason="pip install nbclient ipykernel")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("VGP_RESULTS", os.fspath(demo_results))
    notebook = nbformat.read(DOCS / "demo_results.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": os.fspath(DOCS)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    kinds = [kind for output in outputs for kind in output.get("data", {})]
    assert kinds.count("image/png") == 2
    assert kinds.count("text/html") == 2  # the tables
    table = next(output["data"]["text/plain"] for output in outputs if "text/html" in output.get("data", {}))
    assert table.count("completed") == 16
