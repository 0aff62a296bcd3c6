"""The states of all random generators that a part of a network or a training may draw from."""

import random
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class RandomState:
    """cpu: uint8, of torch's generator; cuda: that of the device's, or None. The batches need none of them: they follow
    from seed, epoch and step."""

    cpu: Tensor
    cuda: Tensor | None
    python: list[Any]
    old_numpy: dict[str, Any]

    @classmethod
    def now(cls, device: torch.device) -> "RandomState":
        """As they are, as tensors and plain numbers: that is what a checkpoint may be read with."""
        version, numbers, gauss = random.getstate()
        old = np.random.get_state(legacy=False)
        assert isinstance(old, dict)
        return cls(
            torch.get_rng_state(),
            torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
            [version, list(numbers), gauss],
            {
                "keys": torch.from_numpy(old["state"]["key"].astype(np.int64)),
                "position": int(old["state"]["pos"]),
                "has_gauss": int(old["has_gauss"]),
                "gauss": float(old["gauss"]),
            },
        )

    def put_back(self, device: torch.device) -> None:
        """From now on everything draws what it drew after now()."""
        torch.set_rng_state(self.cpu.cpu())
        if self.cuda is not None:
            torch.cuda.set_rng_state(self.cuda.cpu(), device)
        version, numbers, gauss = self.python
        random.setstate((version, tuple(numbers), gauss))
        old = self.old_numpy
        keys = old["keys"].cpu().numpy().astype(np.uint32)
        np.random.set_state(("MT19937", keys, old["position"], old["has_gauss"], old["gauss"]))

    def as_dict(self) -> dict[str, Any]:
        """Tensors and plain values."""
        return asdict(self)
