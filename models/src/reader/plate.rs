//! How a plate is shown to the model that reads it, and which of its readings counts.
//!
//! A reader of text is sure at some proportions of the picture and unsure at others, and where a plate is seen from the
//! side nobody knows its own. So it is shown at several, and a plate of two rows also as one long row.

use forewarn_domain::{Answer, Frame, Point, TextKind, Unclear, plate};

use super::attribute::FindPlate;
use crate::crop::{rectify, rectify_part, sides};
use crate::decode::Character;

/// Height in pixels of what is shown. Readers of one row of text take 32 and more, and scale it.
const ROW_PX: u32 = 32;

/// Where the rows of a plate of two rows lie, as left, top, right and bottom in parts of the plate, and how many pixels
/// wide each is shown: province and letter in the middle of the upper row, the serial number below.
///
/// Source: GA 36-2018, figures of the plates of 440 mm by 220 mm: 60 mm high characters above 110 mm high ones, with room
/// around them, because corners are never quite right.
const ROWS: [([f32; 4], u32); 2] = [([0.2, 0.0, 0.8, 0.42], 64), ([0.02, 0.4, 0.98, 1.0], 128)];

/// A text with the least confidence of its characters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    text: String,
    confidence: f32,
}

/// How many pictures of a plate are shown at most.
pub(super) fn most_shown(find: &FindPlate) -> u32 {
    find.proportions.len().max(1) as u32 + u32::from(find.two_rows_below > 0.0)
}

/// The pictures of a plate that are shown to the reader; `None` if its corners make no plate.
pub(super) fn shown(frame: &Frame, corners: [Point; 4], find: &FindPlate) -> Option<Vec<Frame>> {
    if find.proportions.is_empty() {
        return Some(vec![rectify(frame, corners, find.margin)?]);
    }
    let (width, height) = sides(corners);
    let (x, y) = (find.margin * height / width.max(1.0), find.margin);
    let whole = [-x, -y, 1.0 + x, 1.0 + y];
    let stretched = |proportion: &f32| {
        let columns = (proportion * ROW_PX as f32).round() as u32;
        rectify_part(frame, corners, whole, (columns, ROW_PX))
    };
    let mut pictures = find.proportions.iter().map(stretched).collect::<Option<Vec<_>>>()?;
    if width < find.two_rows_below * height {
        pictures.push(side_by_side(frame, corners)?);
    }
    Some(pictures)
}

/// The two rows of a plate as one.
fn side_by_side(frame: &Frame, corners: [Point; 4]) -> Option<Frame> {
    let rows = ROWS.map(|(part, columns)| rectify_part(frame, corners, part, (columns, ROW_PX)));
    let [upper, lower] = rows.map(|row| row.map(|row| row.to_rgb8()));
    let (upper, lower) = (upper?, lower?);
    let [of_upper, of_lower] = ROWS.map(|(_, columns)| columns as usize * 3);
    let lines = upper.chunks_exact(of_upper).zip(lower.chunks_exact(of_lower));
    let rgb = lines.flat_map(|(upper, lower)| [upper, lower].concat()).collect();
    crate::crop::packed_rgb(frame, (ROWS[0].1 + ROWS[1].1, ROW_PX), rgb)
}

/// What was read of one picture; none where nothing was.
pub(super) fn text(characters: &[Character]) -> Option<Text> {
    let confidence = characters.iter().map(|c| c.score).reduce(f32::min)?;
    Some(Text { text: characters.iter().map(|c| c.text.as_str()).collect(), confidence })
}

/// The surest reading of one plate of those of its pictures, in their order: a reading that a plate can have before all
/// others, and one of the whole plate before that of its rows, which are a guess. Where the next of the same rank says
/// otherwise, the confidence is shared between the two.
pub(super) fn surest(texts: &[Option<Text>], find: Option<&FindPlate>, kind: Option<TextKind>) -> Answer {
    let n_whole = find.map_or(texts.len(), |find| find.proportions.len().max(1));
    let is_plate = |text: &Text| kind != Some(TextKind::ChinesePlate) || plate::kind(&text.text).is_some();
    let ranked = |(place, text): (usize, &'_ Option<Text>)| {
        let text = text.clone()?;
        Some(((is_plate(&text), place < n_whole), text))
    };
    let mut texts: Vec<_> = texts.iter().enumerate().filter_map(ranked).collect();
    texts.sort_by(|(a_rank, a), (b_rank, b)| {
        b_rank.cmp(a_rank).then_with(|| b.confidence.total_cmp(&a.confidence)).then_with(|| a.text.cmp(&b.text))
    });
    let mut texts = texts.into_iter();
    let Some((rank, Text { text, confidence })) = texts.next() else {
        return Answer::CannotTell(Unclear::Undecided);
    };
    let rival = texts.find(|(rival_rank, rival)| *rival_rank == rank && rival.text != text);
    let share = rival.map_or(1.0, |(_, rival)| confidence / (confidence + rival.confidence).max(f32::MIN_POSITIVE));
    Answer::Text { text, confidence: confidence * share }
}

/// Four corners as top left, top right, bottom right, bottom left of a plate that is not upside down, from whichever
/// corner and whichever way round the model lists them.
pub(super) fn in_reading_order(corners: &[Point]) -> Option<[Point; 4]> {
    let mut corners: [Point; 4] = corners.get(..4)?.try_into().ok()?;
    let area: f32 = (0..4).map(|i| (corners[i], corners[(i + 1) % 4])).map(|(a, b)| a.x * b.y - b.x * a.y).sum();
    if area < 0.0 {
        corners.reverse();
    }
    // The top left corner is the one from which the next lies most to the right.
    let to_the_right = |i: &usize| corners[(*i + 1) % 4].x - corners[*i].x;
    let first = (0..4).max_by(|a, b| to_the_right(a).total_cmp(&to_the_right(b)))?;
    corners.rotate_left(first);
    Some(corners)
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{ColourMatrix, FrameMeta, PixelFormat, StreamId, Timestamp};

    use super::*;

    fn answer(readings: &[(&str, f32)], kind: TextKind) -> Answer {
        let read = |&(text, confidence): &(&str, f32)| Some(Text { text: text.to_owned(), confidence });
        let texts: Vec<_> = readings.iter().map(read).collect();
        surest(&texts, Some(&find(&[3.75, 4.75], 2.6)), Some(kind))
    }

    fn told(text: &str, confidence: f32) -> Answer {
        Answer::Text { text: text.to_owned(), confidence }
    }

    #[test]
    fn the_surest_reading_that_a_plate_can_have_counts() {
        let plate = TextKind::ChinesePlate;
        assert_eq!(answer(&[("鄂F8888", 0.75), ("鄂F8888警", 0.5)], plate), told("鄂F8888警", 0.5));
        assert_eq!(answer(&[("鄂F8888", 0.75), ("鄂F8888警", 0.25)], TextKind::Any), told("鄂F8888", 0.75 * 0.75));
        assert_eq!(answer(&[("皖A195K9", 0.4), ("皖A195K9", 0.9)], plate), told("皖A195K9", 0.9));
        assert_eq!(answer(&[("赣DT5022", 0.5), ("皖DT5022", 0.5)], plate), told("皖DT5022", 0.25));
        assert_eq!(surest(&[None, None], None, Some(plate)), Answer::CannotTell(Unclear::Undecided));
    }

    #[test]
    fn rows_count_where_the_whole_plate_makes_no_sense() {
        let plate = TextKind::ChinesePlate;
        assert_eq!(answer(&[("A531", 0.9), ("A5331", 0.8), ("京EA5331", 0.5)], plate), told("京EA5331", 0.5));
        assert_eq!(answer(&[("苏ED51712", 0.5), ("0", 0.9), ("苏D51712", 0.9)], plate), told("苏ED51712", 0.5));
    }

    /// A plate of two rows whose pixels tell where they were: red the column, green the row.
    fn frame() -> Frame {
        let meta = FrameMeta {
            stream: StreamId::new("gate").unwrap(),
            sequence: 0,
            captured_at: Timestamp::ZERO,
            arrived_at: Timestamp::ZERO,
        };
        let rgb = (0..60_u8).flat_map(|y| (0..120_u8).flat_map(move |x| [x, y, 0])).collect();
        Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (120, 60), rgb).unwrap()
    }

    fn find(proportions: &[f32], two_rows_below: f32) -> FindPlate {
        let proportions = proportions.to_vec();
        FindPlate {
            model: "m".to_owned(),
            min_score: 0.5,
            side_px: None,
            least_px: 0,
            margin: 0.0,
            proportions,
            two_rows_below,
        }
    }

    #[test]
    fn a_plate_is_shown_at_each_proportion_and_by_its_rows_where_it_is_high() {
        let corners = [[10.0, 10.0], [90.0, 10.0], [90.0, 50.0], [10.0, 50.0]].map(Point::from);
        let sizes = |find: &FindPlate, corners| {
            let pictures = shown(&frame(), corners, find).unwrap();
            assert!(pictures.len() <= most_shown(find) as usize);
            pictures.iter().map(|picture| (picture.width, picture.height)).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&find(&[], 2.6), corners), [(80, 40)]);
        assert_eq!(sizes(&find(&[3.75, 4.75], 2.6), corners), [(120, 32), (152, 32), (192, 32)]);
        let flat = [[10.0, 10.0], [110.0, 10.0], [110.0, 40.0], [10.0, 40.0]].map(Point::from);
        assert_eq!(sizes(&find(&[3.75, 4.75], 2.6), flat), [(120, 32), (152, 32)]);
    }

    #[test]
    fn rows_stand_side_by_side_the_upper_one_first() {
        let corners = [[10.0, 10.0], [90.0, 10.0], [90.0, 50.0], [10.0, 50.0]].map(Point::from);
        let row = side_by_side(&frame(), corners).unwrap();
        let near = |x: u32, y: u32, expected: [u8; 2]| {
            let [column, line, _] = row.rgb_at(x, y);
            let is_near = |a: u8, b: u8| a.abs_diff(b) <= 1;
            assert!(is_near(column, expected[0]) && is_near(line, expected[1]), "{column} {line}");
        };
        near(0, 0, [26, 10]);
        near(63, 31, [73, 26]);
        near(64, 0, [11, 26]);
        near(191, 31, [88, 49]);
    }

    #[test]
    fn corners_come_in_reading_order_however_they_are_listed() {
        let [tl, tr, br, bl] = [[10.0, 20.0], [60.0, 12.0], [61.0, 30.0], [12.0, 38.0]].map(Point::from);
        for listed in [[tl, tr, br, bl], [br, bl, tl, tr], [tl, bl, br, tr], [tr, tl, bl, br]] {
            assert_eq!(in_reading_order(&listed), Some([tl, tr, br, bl]), "{listed:?}");
        }
        assert_eq!(in_reading_order(&[tl, tr]), None);
    }
}
