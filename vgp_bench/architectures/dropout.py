"""Dropout, and stochastic depth for residual branches. A rate of 0 makes no layer, so no random number is drawn."""

from torch import nn

from vgp_bench.architectures.sizes import check_rates


def dropout(rate: float) -> list[nn.Module]:
    """Each value 0 with probability rate, the others over 1 - rate (Srivastava et al. 2014), while training.

    Raises ConfigError for a rate outside of [0, 1).
    """
    check_rates(dropout=rate)
    return [nn.Dropout(rate)] if rate else []


def stochastic_depth(rate: float) -> list[nn.Module]:
    """The whole branch 0 for a sample with probability rate, else over 1 - rate, while training (Huang et al. 2016).

    The paper scales by 1 - rate when testing instead, and drops the branch for a whole batch. Raises ConfigError for
    a rate outside of [0, 1).
    """
    check_rates(drop_path=rate)
    if not rate:
        return []
    # torchvision takes long to import, and few networks need it.
    from torchvision.ops import StochasticDepth

    return [StochasticDepth(rate, mode="row")]
