"""Run folders for tests of the report page; one of them has a hostile name."""

from pathlib import Path

from tests.made_runs import epoch_rows, layer_rows, make_run, mlp_config, step_rows
from tests.made_tables import make_tables, time_rows

HOSTILE = "</script><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">&amp;"


def results(folder: Path) -> Path:
    """Two activations x two depths x two seeds, gradients that change at step 50; one run with a hostile name."""
    for depth, activation in ((2, "ReLU"), (20, "ReLU"), (2, "Sigmoid"), (20, "Sigmoid")):
        for seed in (0, 1):
            rho = 0.4 if activation == "Sigmoid" else 0.9
            rows = [
                row
                for step in (0, 50)
                for row in layer_rows([rho ** ((depth - i) * (1 if step == 0 else 2)) for i in range(depth)], step=step)
            ]
            make_run(
                folder,
                mlp_config(seed, depth, activation, note=HOSTILE),
                layers=rows,
                epochs=epoch_rows([0.5, 0.75]),
                steps=step_rows([2.0, 1.0, 0.5]),
                test_accuracy={2: 0.95, 20: 0.5}[depth] + 0.01 * seed + 0.1 * (activation == "Sigmoid"),
                validation_accuracy=0.75,
            )
    make_run(
        folder, mlp_config(0, 3, "ReLU", note=HOSTILE), {"architecture": HOSTILE, "activation": "relu"}, state="failed"
    )
    return folder


def recurrent_results(folder: Path) -> Path:
    """A recurrent network of one hidden stage beside a net with depth."""
    config = mlp_config()
    config["architecture"] = {"_target_": "x.RNN"}
    rows = [*layer_rows([1.0]), *time_rows([2.0, 1.0, 0.0]), *time_rows([4.0, 1.0, 1.0], step=50)]
    make_tables(folder, config, {"architecture": "rnn", "activation": "relu"}, rows, "completed", test_accuracy=0.5)
    return folder
