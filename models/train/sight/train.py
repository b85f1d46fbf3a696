"""Teaches the branch of heads on prepared features.

    python -m sight.train --data DIR --out heads.pt [--steps 2500]

The weights that are kept are a running mean of the steps' (decay 0.997). A run that was stopped goes on from `heads.pt`.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from .body import CHANNELS, SIDE, STRIDES
from .net import Heads, boxes_of, grid
from .targets import assign, overlap

BATCH = 24
RATE = 2e-3
WARM_UP = 100
DECAY = 0.997


class Samples:
    """Prepared samples by number."""

    def __init__(self, folder: Path, cells):
        self.features = np.load(folder / "features.npy", mmap_mode="r")
        labels = np.load(folder / "labels.npz")
        self.heads = torch.from_numpy(labels["heads"].astype(np.float32))
        self.open = torch.from_numpy(labels["open"].astype(np.float32))
        count = len(self.features)
        heads_of = np.searchsorted(labels["of_heads"], np.arange(count + 1))
        open_of = np.searchsorted(labels["of_open"], np.arange(count + 1))
        self.owner = torch.empty((count, len(cells)), dtype=torch.int32)
        self.is_open = torch.empty((count, len(cells)), dtype=torch.bool)
        for number in range(count):
            heads = self.heads[heads_of[number] : heads_of[number + 1]]
            owner, self.is_open[number] = assign(heads, self.open[open_of[number] : open_of[number + 1]], cells)
            self.owner[number] = torch.where(owner >= 0, owner + int(heads_of[number]), owner)

    def pyramid(self, numbers):
        """The three levels of some samples, B x C x H x W."""
        rows = torch.from_numpy(np.stack([self.features[n] for n in numbers])).float()
        levels, start = [], 0
        for channels, stride in zip(CHANNELS, STRIDES):
            side = SIDE // stride
            end = start + channels * side * side
            levels.append(rows[:, start:end].reshape(-1, channels, side, side))
            start = end
        return levels

    def wanted(self, numbers):
        """All heads; of each cell of some samples the head that it is to find (-1: none), and whether it is left open."""
        return self.heads, self.owner[numbers].long(), self.is_open[numbers]


def loss_of(rows, wanted, cells):
    """The three parts of the loss of a batch: is a head there, where, and of which kind."""
    heads, owner, is_open = wanted
    is_head = owner >= 0
    found = max(int(is_head.sum()), 1)
    quality = torch.zeros(owner.shape)
    right = heads[owner[is_head]]
    its_cells = cells.expand(len(rows), -1, -1)[is_head]
    same = overlap(boxes_of(rows[is_head], its_cells), right)
    quality[is_head] = same.detach().clamp(min=0.05)
    where = (1 - same).sum() + 0.25 * corners(rows[is_head], right, its_cells)
    kind = functional.cross_entropy(rows[is_head][:, 5:], right[:, 4].long(), reduction="sum")
    said = rows[..., 4]
    weight = torch.where(is_head, quality, 0.75 * said.detach().sigmoid() ** 2)
    there = functional.binary_cross_entropy_with_logits(said, quality, reduction="none") * weight
    return there[~is_open].sum() / found, where / found, kind / found


def corners(rows, wanted, cells):
    """How far the coded box is from the wanted one, in strides and in logarithms of the sides."""
    centre = (wanted[:, :2] + wanted[:, 2:4]) / 2 / cells[:, 2:] - cells[:, :2]
    sides = ((wanted[:, 2:4] - wanted[:, :2]).clamp(min=1) / cells[:, 2:]).log()
    return (rows[:, :2] - centre).abs().sum() + (rows[:, 2:4] - sides).abs().sum()


def main():
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--data", type=Path, required=True)
    ask.add_argument("--out", type=Path, required=True)
    ask.add_argument("--steps", type=int, default=2500)
    ask.add_argument("--seed", type=int, default=1)
    args = ask.parse_args()
    torch.manual_seed(args.seed)
    cells, net = grid(), Heads()
    samples = Samples(args.data, cells)
    mean = Heads()
    mean.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=1e-2)
    first = 0
    if args.out.exists():
        kept = torch.load(args.out)
        first = kept["step"]
        net.load_state_dict(kept["net"]), mean.load_state_dict(kept["mean"]), optimiser.load_state_dict(kept["optimiser"])
    start, told = time.monotonic(), np.zeros(3)
    for step in range(first, args.steps):
        rate = RATE * min(1, (step + 1) / WARM_UP) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / args.steps)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        numbers = np.random.default_rng([args.seed, step]).integers(0, len(samples.features), BATCH)
        parts = loss_of(net(samples.pyramid(numbers)), samples.wanted(numbers), cells)
        optimiser.zero_grad()
        (parts[0] + 2 * parts[1] + 0.5 * parts[2]).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10)
        optimiser.step()
        keep_mean(mean, net, min(DECAY, (step + 1) / (step + 10)))
        told += [float(part.detach()) for part in parts]
        if step % 100 == 99 or step + 1 == args.steps:
            left = (time.monotonic() - start) / (step + 1 - first) * (args.steps - step - 1)
            there, where, kind = told / 100
            print(f"{step + 1}: there {there:.3f} where {where:.3f} kind {kind:.3f}, {left:.0f} s left", flush=True)
            told[:] = 0
            state = {"step": step + 1, "net": net.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict()}
            torch.save(state, args.out)


@torch.no_grad()
def keep_mean(mean, net, decay):
    for kept, new in zip(mean.state_dict().values(), net.state_dict().values()):
        if kept.dtype.is_floating_point:
            kept.mul_(decay).add_(new, alpha=1 - decay)
        else:
            kept.copy_(new)


if __name__ == "__main__":
    main()
