"""Quick checks of `sight` that need numpy, opencv and ONNX Runtime, no torch and no data."""

import tempfile
import unittest
from pathlib import Path

import cv2
import numpy as np

from sight import augment, body, evaluate, photos, prepare, shown


class Labels(unittest.TestCase):
    def test_a_box_and_a_polygon_around_it_are_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.txt"
            path.write_text("0 0.5 0.5 0.2 0.4\n2 0.4 0.3 0.6 0.3 0.6 0.7 0.4 0.7\n\n1 0.5\n")
            (first, box), (second, polygon) = photos.rows_of(path, 100, 200)
            self.assertEqual((first, second), (0, 2))
            np.testing.assert_allclose(box, (40, 60, 60, 140))
            np.testing.assert_allclose(polygon, box)

    def test_a_head_reaches_above_and_beside_its_face(self):
        x0, y0, x1, y1 = photos.head_of_face((10, 10, 20, 30))
        self.assertTrue(x0 < 10 and y0 < 10 and x1 > 20 and y1 == 30)


class Samples(unittest.TestCase):
    def test_a_head_stays_on_what_it_is_the_head_of(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.png"
            picture = np.zeros((300, 400, 3), np.uint8)
            picture[100:150, 200:240] = 255
            cv2.imwrite(str(path), picture)
            photo = photos.Photo(path, [(200, 100, 240, 150, photos.IN_HARD_HAT)])
            for number in range(20):
                canvas = np.full((body.SIDE, body.SIDE, 3), body.PAD, np.uint8)
                window = (0, 0, body.SIDE, body.SIDE)
                heads = augment.placed(canvas, window, photo, 0.6, np.random.default_rng(number))
                for x0, y0, x1, y1, _ in np.round(heads).astype(int):
                    self.assertGreater(canvas[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2].mean(), 240)

    def test_a_person_with_a_labelled_head_is_not_left_open(self):
        cells = np.zeros((3549, 85), np.float32)
        for cell in (52 * 20 + 20, 52 * 20 + 40):
            cells[cell, 2:4], cells[cell, 4], cells[cell, 5] = np.log((4, 10)), 1, 1
        heads = np.array([[150, 125, 165, 140, 1]], np.float32)
        left = prepare.headless(cells, heads)
        self.assertEqual(len(left), 1)
        self.assertGreater(left[0, 0], 300)


class Joining(unittest.TestCase):
    head = [118, 92, 142, 116, 0.6, 0]

    def test_a_head_lends_its_score_and_its_top(self):
        [(box, score)] = evaluate.joined_people([(np.array([100, 108, 190, 220]), 0.15)], [self.head])
        self.assertEqual((list(box), score), ([100, 92, 190, 220], 0.6))

    def test_an_unsure_head_alone_is_nobody(self):
        self.assertEqual(evaluate.joined_people([], [self.head]), [])
        self.assertEqual(len(evaluate.joined_people([], [[*self.head[:4], 0.8, 0]])), 1)


class Shown(unittest.TestCase):
    HEADS = np.array([(100, 100, 130, 140, 0), (150, 100, 180, 140, 1)], float)

    def test_a_track_is_of_the_head_that_was_looked_at_in_it(self):
        boxes = {7: (95, 98, 190, 400)}
        self.assertEqual(shown.owned(self.HEADS, boxes, {}), {1: 7})
        self.assertEqual(shown.owned(self.HEADS, boxes, {7: (102, 98, 132, 150)}), {0: 7})
        self.assertEqual(shown.owned(self.HEADS, boxes, {7: (300, 98, 330, 150)}), {})

    def test_what_is_not_told_has_a_cause(self):
        head = {"in_track": True, "own": 7, "looks": [{"answer": {"cannot_tell": "hidden"}}, {"answer": {"probability": 0.9}}]}
        self.assertEqual(shown.cause(head | {"looks": []}), "no look")
        self.assertEqual(shown.cause(head), "votes (one side)")
        self.assertEqual(shown.cause(head | {"looks": head["looks"][:1]}), "looks: hidden")
        self.assertEqual(shown.cause(head | {"own": None}), "in another's track")

    def test_halves_hang_on_names_alone(self):
        halves = [shown.half_of(f"{number}.jpg") for number in range(200)]
        self.assertTrue(70 < halves.count("a") < 130)
        self.assertEqual(halves, [shown.half_of(f"{number}.jpg") for number in range(200)])


if __name__ == "__main__":
    unittest.main()
