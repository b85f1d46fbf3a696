"""Which cell is to find which head, and of which cells nothing is asked."""

import torch

# Heads whose side lies between these belong to a level: to the finest below the first, to the coarsest above the second.
BORDERS_PX = (40.0, 100.0)
# A head near a border is looked for at both levels.
OVERLAP = 1.35
# Cells whose centre is at most this many strides from a head's centre find it.
REACH = 1.5
STRIDES = (8.0, 16.0, 32.0)


def assign(heads, open_places, cells):
    """For one sample: the number of the head of each cell (-1: none), and whether the cell is left open.

    `heads` N x 5 and `open_places` M x 4 in input pixels; `cells` as `net.grid` gives them.
    """
    centres = (cells[:, :2] + 0.5) * cells[:, 2:]
    owner = torch.full((len(cells),), -1, dtype=torch.long)
    nearest = torch.full((len(cells),), float("inf"))
    is_open = inside(centres, open_places).any(1) if len(open_places) else torch.zeros(len(cells), dtype=torch.bool)
    for number, head in enumerate(heads):
        side = ((head[2] - head[0]) * (head[3] - head[1])).clamp(min=1e-6).sqrt()
        level = torch.zeros(len(cells), dtype=torch.bool)
        for index, stride in enumerate(STRIDES):
            lower = BORDERS_PX[index - 1] / OVERLAP if index > 0 else 0.0
            upper = BORDERS_PX[index] * OVERLAP if index < 2 else float("inf")
            if lower <= side < upper:
                level |= cells[:, 2] == stride
        middle = (head[:2] + head[2:4]) / 2
        off = (centres - middle).abs().amax(1)
        within = inside(centres, head[None, :4])[:, 0] | (off <= cells[:, 2] * 0.5)
        # What is in a head and not near its middle is neither asked for nor counted as wrong.
        is_open |= inside(centres, head[None, :4])[:, 0]
        distance = (centres - middle).norm(dim=1)
        takes = level & within & (off <= REACH * cells[:, 2]) & (distance < nearest)
        owner[takes], nearest[takes] = number, distance[takes]
    return owner, is_open & (owner < 0)


def inside(points, boxes):
    """Points P x 2 in boxes B x 4: P x B."""
    return (
        (points[:, None, 0] >= boxes[None, :, 0])
        & (points[:, None, 0] <= boxes[None, :, 2])
        & (points[:, None, 1] >= boxes[None, :, 1])
        & (points[:, None, 1] <= boxes[None, :, 3])
    )


def overlap(first, second):
    """Intersection over union, row by row, of boxes x0, y0, x1, y1."""
    top = torch.maximum(first[..., :2], second[..., :2])
    low = torch.minimum(first[..., 2:4], second[..., 2:4])
    both = (low - top).clamp(min=0).prod(-1)
    area = lambda box: (box[..., 2:4] - box[..., :2]).clamp(min=0).prod(-1)
    return both / (area(first) + area(second) - both + 1e-6)
