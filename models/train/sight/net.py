"""The branch that finds heads in the published network's pyramid."""

import torch
from torch import nn

from .body import CHANNELS, SIDE, STRIDES

WIDTH = 64
# Numbers a cell gives: the box's four, whether a head is there, and the two kinds of head.
OUTPUTS = 4 + 1 + 2
# The share of cells that hold a head: what an untrained branch says, so that the first steps do not shake it.
FEW = -4.6


def block(inside: int, outside: int) -> nn.Sequential:
    """A 3 x 3 filter a channel, then a mix of channels, each normalised, as the published network is made."""
    return nn.Sequential(
        nn.Conv2d(inside, inside, 3, padding=1, groups=inside, bias=False),
        nn.BatchNorm2d(inside),
        nn.SiLU(),
        nn.Conv2d(inside, outside, 1, bias=False),
        nn.BatchNorm2d(outside),
        nn.SiLU(),
    )


class Level(nn.Module):
    """The branch at one level: B x C x H x W to B x (H W) x 7, before any sigmoid."""

    def __init__(self, channels: int):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(channels, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH), nn.SiLU())
        self.trunk = nn.Sequential(block(WIDTH, WIDTH), block(WIDTH, WIDTH))
        self.last = nn.Conv2d(WIDTH, OUTPUTS, 1)
        nn.init.constant_(self.last.bias[4:5], FEW)

    def forward(self, level):
        return self.last(self.trunk(self.stem(level))).flatten(2).transpose(1, 2)


class Heads(nn.Module):
    """The branch at the three levels, rows in the order of the strides."""

    def __init__(self):
        super().__init__()
        self.levels = nn.ModuleList(Level(channels) for channels in CHANNELS)

    def forward(self, pyramid):
        return torch.cat([level(seen) for level, seen in zip(self.levels, pyramid)], 1)


def grid():
    """Column, row and stride of each row of the answer."""
    rows = []
    for stride in STRIDES:
        count = SIDE // stride
        y, x = torch.meshgrid(torch.arange(count), torch.arange(count), indexing="ij")
        rows.append(torch.stack([x.flatten(), y.flatten(), torch.full((count * count,), stride)], 1))
    return torch.cat(rows).float()


def boxes_of(rows, cells):
    """Boxes x0, y0, x1, y1 in input pixels: YOLOX's own code, so that the published decoder reads them."""
    centre = (rows[..., :2] + cells[..., :2]) * cells[..., 2:]
    half = rows[..., 2:4].clamp(max=6).exp() * cells[..., 2:] / 2
    return torch.cat([centre - half, centre + half], -1)
