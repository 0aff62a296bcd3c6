"""Help for tests of image networks: the sizes of data sets' images, and the plainest parts."""

from torch import nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.components.normalizers import BatchNormalizer, NoNormalizer

MNIST, CIFAR, DIGITS = (1, 28, 28), (3, 32, 32), (1, 8, 8)
BATCH, NONE = Parts(nn.ReLU, BatchNormalizer()), Parts(nn.ReLU, NoNormalizer())
