"""Combinations that are allowed, because they show something, but that nobody should run unawares."""

from vgp_bench.config import ComposedRun


def advice(composed: ComposedRun) -> str:
    """One line about a checked config, or an empty text."""
    architecture, normalizer = composed.config["architecture"], composed.config["normalizer"]
    if "norm" in architecture and "heads" in architecture and normalizer["_target_"].endswith(".NoNormalizer"):
        # Xiong et al. 2020: where the norm stands decides whether a Transformer trains; without one it rarely does.
        return (
            f"architecture={composed.choices['architecture']} has no normalizer and is likely to explode; "
            "Transformers are built with normalizer=layer"
        )
    return ""
