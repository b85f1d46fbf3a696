//! The classes of COCO 2017.

/// The 80 class names in the order of their numbers.
pub(crate) const COCO80: [&str; 80] = [
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "dining table",
    "toilet",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
];

/// Numbers 0 to 90 that COCO's annotations leave out; 0 is the background of many models.
const GAPS: [usize; 11] = [0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83];

/// The class names by their numbers in COCO's annotations; empty where there is none.
pub(crate) const COCO91: [&str; 91] = {
    let mut names = [""; 91];
    let (mut number, mut gap, mut next) = (0, 0, 0);
    while number < names.len() {
        if gap < GAPS.len() && GAPS[gap] == number {
            gap += 1;
        } else {
            names[number] = COCO80[next];
            next += 1;
        }
        number += 1;
    }
    names
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coco_numbers_are_those_of_the_annotations() {
        for (number, name) in [(1, "person"), (3, "car"), (13, "stop sign"), (44, "bottle"), (90, "toothbrush")] {
            assert_eq!(COCO91[number], name);
        }
        assert!(COCO91.iter().filter(|name| !name.is_empty()).eq(COCO80.iter()));
    }
}
