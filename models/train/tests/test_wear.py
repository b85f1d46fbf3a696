"""Quick checks that need numpy, opencv and onnx, no torch and no data: python -m unittest, in models/train."""

import json
import tempfile
import tomllib
import unittest
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from wear import augment, cut, layout, metrics, quantise, samples, synthetic

FACE = [(35, 40), (65, 40), (50, 58), (40, 72), (60, 72)]


def picture(value: int = 120, side: int = 100) -> np.ndarray:
    """A grey picture with a gradient, so that moved pixels are told apart."""
    ramp = np.tile(np.arange(side, dtype=np.uint8), (side, 1))
    return np.dstack([ramp, ramp.T, np.full_like(ramp, value)])


class Layout(unittest.TestCase):
    def test_an_exported_folder_is_read_and_a_moved_file_is_relabelled(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            rows = []
            for number in range(4):
                file = root / "hi_vis_vest" / "unlabelled" / f"{number}.jpg"
                file.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(file), picture(number * 50))
                rows.append({"file": f"hi_vis_vest/unlabelled/{number}.jpg", "attribute": "hi_vis_vest", "label": "unlabelled", "camera": "gate", "track": number // 2, "at_s": 1.5, "box": [0, 0, 9, 9], "source_px": 40})
            (root / "crops.jsonl").write_text("\n".join(map(json.dumps, rows)))
            (root / "hi_vis_vest" / "vest").mkdir()
            (root / rows[1]["file"]).rename(root / "hi_vis_vest" / "vest" / "1.jpg")
            (root / rows[3]["file"]).unlink()
            base, found = layout.read(root, "hi_vis_vest")
            self.assertEqual([r.label for r in found], ["unlabelled", "vest", "unlabelled"])
            self.assertEqual(samples.load(base, found)[1].picture.shape, (100, 100, 3))

    def test_a_track_is_never_torn_apart(self):
        rows = [layout.Row(f"{i}.jpg", "a", "yes", camera="c", track=str(i // 5)) for i in range(500)]
        layout.assign_splits(rows, seed=3)
        splits = {}
        for row in rows:
            splits.setdefault(row.track, set()).add(row.split)
        self.assertTrue(all(len(s) == 1 for s in splits.values()))
        share = sum(r.split == "test" for r in rows) / len(rows)
        self.assertTrue(0.1 < share < 0.35, share)

    def test_a_bad_line_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "crops.jsonl").write_text('{"file": "a.jpg"}\n')
            with self.assertRaisesRegex(ValueError, "line 1"):
                layout.read(Path(folder), "a")


class Crops(unittest.TestCase):
    def test_a_window_follows_the_convention_of_the_cards(self):
        self.assertEqual(cut.window((10, 20, 30, 60), 0.25, False), (5, 10, 35, 70))
        self.assertEqual(cut.window((10, 20, 30, 60), 0.0, True), (0, 20, 40, 60))

    def test_crops_are_cut_as_the_attributes_and_the_cards_say(self):
        models = Path(__file__).parents[2]
        for attribute, crop in cut.CROPS.items():
            said = tomllib.loads((models / "attributes" / f"{attribute}.toml").read_text())
            card = models / "cards" / f"{said['model']}.toml"
            if card.is_file():
                card = tomllib.loads(card.read_text())
                said = {"part": card["crop"]}
                self.assertEqual(card["input"]["width"], crop.side)
            self.assertEqual((said["part"]["margin"], said["part"].get("square", False)), (crop.margin, crop.square))

    def test_the_edge_is_repeated_beyond_the_frame(self):
        out = cut.rectangle(picture(), -5, 0, 5, 10)
        self.assertEqual(out.shape, (10, 10, 3))
        self.assertTrue((out[:, :6] == out[:, 5:6]).all())

    def test_a_distant_part_has_the_pixels_asked_for(self):
        small, box = cut.lowered(picture(), [10, 10, 90, 50], 10)
        self.assertEqual(small.shape[:2], (25, 25))
        self.assertAlmostEqual(box[3] - box[1], 10)

    def test_augmentation_is_determined_by_its_seed(self):
        crop = cut.Crop(0.2, True, 32)
        make = lambda seed: [augment.augmented(np.random.default_rng((seed, i)), picture(), [20, 20, 70, 80], crop, 0.2, picture(30)) for i in range(40)]
        self.assertTrue(all((a == b).all() and a.shape == (32, 32, 3) for a, b in zip(make(1), make(1))))
        self.assertTrue(any((a != b).any() for a, b in zip(make(1), make(2))))


class DrawnMasks(unittest.TestCase):
    def test_a_worn_mask_hides_nose_and_mouth_and_a_slipped_one_does_not(self):
        nose, mouth = FACE[2], (50, 72)
        for kind, hides in (("worn", (True, True)), ("below_nose", (False, True)), ("below_chin", (False, False))):
            for seed in range(10):
                out = synthetic.with_mask(np.random.default_rng(seed), picture(), FACE, kind)
                changed = tuple(bool(np.abs(out[y, x].astype(int) - picture()[y, x]).max() > 4) for x, y in (nose, mouth))
                self.assertEqual(changed, hides, (kind, seed))


class Figures(unittest.TestCase):
    def test_auc_counts_pairs(self):
        score, yes = np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True])
        self.assertAlmostEqual(metrics.roc_auc(score, yes), 3.5 / 4)

    def test_platt_undoes_a_distortion(self):
        rng = np.random.default_rng(5)
        d = rng.normal(0, 3, 20_000)
        truth = (rng.random(d.size) > 1 / (1 + np.exp(-d))).astype(int)
        logits = np.stack([d * 4 + 1.5, np.zeros_like(d)], 1)
        scale, shift = metrics.fit_platt(logits, truth)
        self.assertAlmostEqual(scale, 0.25, delta=0.02)
        self.assertAlmostEqual(shift[0] - shift[1], -0.375, delta=0.06)
        p = metrics.softmax(logits * scale + np.array(shift))[:, 0]
        self.assertLess(metrics.calibration_error(p, truth == 0), 0.02)

    def test_the_band_keeps_both_rates(self):
        rng = np.random.default_rng(6)
        yes = rng.random(4000) < 0.5
        p = 1 / (1 + np.exp(-rng.normal(np.where(yes, 2.5, -2.5), 1.5)))
        low, high = metrics.band(p, yes, 0.01, 0.02)
        found = metrics.figures(p, yes, low, high)
        self.assertLessEqual(found["false_accept"], 0.01)
        self.assertLessEqual(found["false_reject"], 0.02)
        self.assertTrue(low <= 0.4 and high >= 0.6)
        self.assertEqual(sum(sum(row.values()) for row in found["confusion"].values()), 4000)


class Quantised(unittest.TestCase):
    def test_8_bit_weights_answer_as_floats_do(self):
        weights = np.random.default_rng(2).normal(0, 0.1, (64, 64, 3, 3)).astype(np.float32)
        node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
        value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 64, 8, 8])
        graph = helper.make_graph([node], "g", [value("x")], [value("y")], [numpy_helper.from_array(weights, "w")])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        before = len(model.SerializeToString())
        small = quantise.store_int8(onnx.ModelProto.FromString(model.SerializeToString()))
        self.assertLess(len(small.SerializeToString()), 0.3 * before)
        import onnxruntime

        x = np.random.default_rng(3).normal(0, 1, (2, 64, 8, 8)).astype(np.float32)
        run = lambda m: onnxruntime.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
        self.assertLess(np.abs(run(model) - run(small)).max(), 0.02 * np.abs(run(model)).max())


if __name__ == "__main__":
    unittest.main()
