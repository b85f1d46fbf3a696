//! The pictures of the latest looks, until an incident wants the best of them for its evidence.
//!
//! Rules decide by votes and say in the end which look was the best; only then is it known which picture is wanted. So
//! the crops of the last looks are kept, the oldest given up first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use forewarn_base::sync::lock;
use forewarn_domain::{Answer, AttributeId, BBox, BestCrop, DetectorError, Frame, Look, Reader, Reading, StreamId};
use image::RgbImage;
use image::imageops::thumbnail;

/// Looks whose picture is kept, of all streams together: those of the last seconds. At the most 48 MB.
const MOST: usize = 256;
/// Longest side of a picture that is kept; what is larger is shrunk.
const MOST_SIDE_PX: u32 = 256;
/// Room around the part that was looked at, in parts of its sides.
const ROOM: f32 = 0.3;

struct Closeup {
    stream: StreamId,
    attribute: AttributeId,
    crop: BestCrop,
    picture: RgbImage,
}

/// The pictures of the latest looks. Clones share them.
#[derive(Clone, Default)]
pub struct Closeups(Arc<Mutex<VecDeque<Closeup>>>);

impl Closeups {
    /// `reader`, whose looks are kept from now on.
    pub fn watching(&self, reader: Box<dyn Reader>) -> Box<dyn Reader> {
        Box::new(Watched { reader, closeups: self.clone() })
    }

    /// The picture of a look, if it is still kept.
    pub fn picture(&self, stream: &StreamId, attribute: &AttributeId, best: &BestCrop) -> Option<RgbImage> {
        let kept = self.lock();
        let is_it = |c: &&Closeup| c.stream == *stream && c.attribute == *attribute && c.crop == *best;
        kept.iter().rev().find(is_it).map(|closeup| closeup.picture.clone())
    }

    fn keep(&self, frame: &Frame, look: &Look, reading: &Reading) {
        let (across, down) = look.zoom(frame);
        let Some(picture) = picture_of(frame, &reading.bbox.scaled(across, down)) else { return };
        let mut kept = self.lock();
        if kept.len() >= MOST {
            kept.pop_front();
        }
        kept.push_back(Closeup {
            stream: frame.meta.stream.clone(),
            attribute: reading.attribute.clone(),
            crop: BestCrop { at: reading.at, bbox: reading.bbox, quality: reading.quality },
            picture,
        });
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Closeup>> {
        lock(&self.0)
    }
}

/// The part of the frame around a box, not larger than is kept; none for a box outside of the frame.
fn picture_of(frame: &Frame, bbox: &BBox) -> Option<RgbImage> {
    if !bbox.is_valid() || bbox.area() <= 0.0 {
        return None;
    }
    let span = |centre: f32, side: f32, most: u32| {
        let half = side * (1.0 + 2.0 * ROOM) / 2.0;
        let edge = |at: f32| at.round().clamp(0.0, most as f32) as u32;
        let (start, end) = (edge(centre - half), edge(centre + half));
        (end > start).then_some((start, end - start))
    };
    let centre = bbox.centre();
    let (left, width) = span(centre.x, bbox.width(), frame.width)?;
    let (top, height) = span(centre.y, bbox.height(), frame.height)?;
    let part = frame.part((left, top), (width, height));
    let picture = RgbImage::from_raw(part.width, part.height, part.to_rgb8())?;
    let longest = part.width.max(part.height);
    if longest <= MOST_SIDE_PX {
        return Some(picture);
    }
    let shrunk = |side: u32| (side * MOST_SIDE_PX / longest).max(1);
    Some(thumbnail(&picture, shrunk(part.width), shrunk(part.height)))
}

/// A reader whose looks are kept.
struct Watched {
    reader: Box<dyn Reader>,
    closeups: Closeups,
}

impl Reader for Watched {
    fn attributes(&self) -> &[AttributeId] {
        self.reader.attributes()
    }

    fn shortfall(&self) -> Option<String> {
        self.reader.shortfall()
    }

    fn read(&mut self, looks: &[(&Frame, &Look)]) -> Result<Vec<Reading>, DetectorError> {
        let readings = self.reader.read(looks)?;
        for ((frame, look), reading) in looks.iter().zip(&readings) {
            if !matches!(reading.answer, Answer::CannotTell(_)) {
                self.closeups.keep(frame, look, reading);
            }
        }
        Ok(readings)
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{Class, ColourMatrix, FrameMeta, PixelFormat, Timestamp, TrackId, Unclear};

    use super::*;

    /// Sees the same probability in the middle of each frame; of track 9 it cannot tell.
    struct Middle(Vec<AttributeId>);

    impl Reader for Middle {
        fn attributes(&self) -> &[AttributeId] {
            &self.0
        }

        fn shortfall(&self) -> Option<String> {
            Some("out of order".to_owned())
        }

        fn read(&mut self, looks: &[(&Frame, &Look)]) -> Result<Vec<Reading>, DetectorError> {
            let reading = |(frame, look): &(&Frame, &Look)| Reading {
                track: look.track,
                attribute: look.attribute.clone(),
                at: frame.meta.captured_at,
                bbox: BBox::new(20.0, 20.0, 40.0, 60.0),
                quality: 0.5,
                answer: match look.track {
                    TrackId(9) => Answer::CannotTell(Unclear::Blurred),
                    _ => Answer::Probability(0.1),
                },
            };
            Ok(looks.iter().map(reading).collect())
        }
    }

    fn frame(number: i64, size: (u32, u32)) -> Frame {
        let at = Timestamp::from_micros(number);
        let stream = StreamId::new("gate").unwrap();
        let meta = FrameMeta { stream, sequence: number as u64, captured_at: at, arrived_at: at };
        let rgb = vec![number as u8; (size.0 * size.1 * 3) as usize];
        Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, size, rgb).unwrap()
    }

    fn look(track: u64) -> Look {
        let attribute = AttributeId::new("dust_mask").unwrap();
        let bbox = BBox::new(0.0, 0.0, 60.0, 80.0);
        Look { track: TrackId(track), attribute, class: Class::new("person"), bbox, of: None, head: None }
    }

    fn best(number: i64) -> BestCrop {
        BestCrop { at: Timestamp::from_micros(number), bbox: BBox::new(20.0, 20.0, 40.0, 60.0), quality: 0.5 }
    }

    #[test]
    fn the_picture_of_a_look_is_found_again_while_it_is_among_the_latest() {
        let closeups = Closeups::default();
        let mut reader = closeups.watching(Box::new(Middle(Vec::new())));
        for number in 0..=MOST as i64 {
            reader.read(&[(&frame(number, (64, 80)), &look(1))]).unwrap();
        }
        assert_eq!(reader.shortfall().as_deref(), Some("out of order"), "a watched reader tells what it lacks");
        let (gate, mask) = (StreamId::new("gate").unwrap(), AttributeId::new("dust_mask").unwrap());
        assert!(closeups.picture(&gate, &mask, &best(0)).is_none(), "the oldest was given up");
        let picture = closeups.picture(&gate, &mask, &best(7)).unwrap();
        assert_eq!((picture.dimensions(), picture.get_pixel(3, 3).0), ((32, 64), [7; 3]));
        assert!(closeups.picture(&StreamId::new("yard").unwrap(), &mask, &best(7)).is_none());
        assert!(closeups.picture(&gate, &AttributeId::new("hard_hat").unwrap(), &best(7)).is_none());
    }

    #[test]
    fn a_look_at_a_larger_picture_is_kept_as_that_shows_it_and_found_by_its_place_in_the_frame() {
        let closeups = Closeups::default();
        let mut reader = closeups.watching(Box::new(Middle(Vec::new())));
        let look = Look { of: Some((64, 80)), ..look(1) };
        reader.read(&[(&frame(7, (192, 240)), &look)]).unwrap();
        let (gate, mask) = (StreamId::new("gate").unwrap(), AttributeId::new("dust_mask").unwrap());
        let picture = closeups.picture(&gate, &mask, &best(7)).unwrap();
        assert_eq!(picture.dimensions(), (96, 192), "three times 20 by 40 pixels, with some room");
    }

    #[test]
    fn looks_that_could_not_tell_are_not_kept_and_large_pictures_are_shrunk() {
        let closeups = Closeups::default();
        let mut reader = closeups.watching(Box::new(Middle(Vec::new())));
        reader.read(&[(&frame(1, (64, 80)), &look(9))]).unwrap();
        let (gate, mask) = (StreamId::new("gate").unwrap(), AttributeId::new("dust_mask").unwrap());
        assert!(closeups.picture(&gate, &mask, &best(1)).is_none());
        let picture = picture_of(&frame(1, (2000, 1000)), &BBox::new(0.0, 0.0, 2000.0, 1000.0)).unwrap();
        assert_eq!(picture.dimensions(), (256, 128));
        assert!(picture_of(&frame(1, (64, 80)), &BBox::new(100.0, 100.0, 120.0, 120.0)).is_none());
    }
}
