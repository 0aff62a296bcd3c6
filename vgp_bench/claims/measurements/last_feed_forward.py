"""||dL/dW|| of the last feed-forward of a Transformer (Xiong et al. 2020, theorem 1), averaged over classifiers.

With ten classes the size of the loss's own gradient is a matter of luck: it depends on the logits that the classifier
happens to draw, by a third up or down. So it is drawn CLASSIFIERS times on top of the same network.
"""

import torch

from vgp_bench.architectures.encoder import Encoder
from vgp_bench.claims.untrained import untrained
from vgp_bench.config import ComposedRun
from vgp_bench.making import make

CLASSIFIERS, INPUTS = 32, 32


def measure(composed: ComposedRun) -> dict[str, list[float]]:
    """gradient: ||dL/dW||_2 of both matrices together, the mean over the classifiers."""
    net = untrained(composed)
    assert isinstance(net.model, Encoder)
    inputs, targets = net.probe.inputs[:INPUTS], net.probe.targets[:INPUTS]
    initializer, last = make(composed.config["initializer"]), net.model.sublayers[-1]
    weights = net.model.stages()[-2].weights()
    with torch.no_grad():
        below = net.model.sublayers[:-1](net.model.embedding(inputs))
    norms = []
    for _ in range(CLASSIFIERS):
        initializer.initialize(net.model.output, lambda: make(composed.config["activation"]), inputs)
        loss = net.probe.objective.loss(net.model.output(last(below)), targets)
        gradients = torch.autograd.grad(loss, weights)
        norms.append(float(torch.stack([gradient.norm() for gradient in gradients]).norm()))
    return {"gradient": [sum(norms) / len(norms)]}
