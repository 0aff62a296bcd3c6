"""`vgp-bench diagnose-model`: a short training of a network of one's own, and what is wrong with it."""

import argparse
from typing import Any


def add(commands: Any) -> None:
    """Adds the parser to the subparsers of argparse."""
    parser = commands.add_parser(
        "diagnose-model",
        help="train a network of your own for some steps: its signal flow and a verdict",
        description="Imports your functions (the working directory counts), trains for some steps on the CPU, and "
        "prints the signal flow of every layer and the verdict. Nothing is written.",
    )
    parser.add_argument(
        "model", metavar="MODEL", help="package.module:function that returns an nn.Module, or its class"
    )
    parser.add_argument(
        "--data",
        required=True,
        metavar="FUNCTION",
        help="package.module:function that returns batches (inputs, targets)",
    )
    parser.add_argument(
        "--loss",
        metavar="FUNCTION",
        help="package.module:function of (outputs, targets) (default: cross-entropy, or squared error of real targets)",
    )
    parser.add_argument("--steps", type=int, default=100, help="optimizer steps (default 100)")
    parser.add_argument("--lr", type=float, default=1e-3, help="learning rate (default 0.001)")
    parser.add_argument("--optimizer", default="adam", metavar="NAME", help="sgd, adam or adamw (default adam)")
    parser.add_argument("--seed", type=int, default=0, help="of torch, before the model is made (default 0)")
    parser.set_defaults(function=_diagnose)


def _diagnose(arguments: argparse.Namespace) -> int:
    import torch

    from vgp_bench.live.own_parts import load_batches, load_loss, load_model
    from vgp_bench.live.short_training import train_shortly

    torch.manual_seed(arguments.seed)
    model, batches, loss = load_model(arguments.model), load_batches(arguments.data), load_loss(arguments.loss)
    monitor = train_shortly(model, batches, loss, arguments.optimizer, arguments.lr, arguments.steps)
    print(monitor.report())
    return 0
