//! Looks at a clip's pictures by several at the same time, while the clip goes on being decoded.

use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use forewarn_base::sync::lock;
use forewarn_base::thread::ThreadError;
use forewarn_domain::{DetectorError, Frame};

use crate::eyes::{Care, Looker, Seen};

/// Pictures that wait for each who looks; when as many do, whoever brings one waits.
const WAITING_EACH: usize = 2;

/// Takes a picture of a number, to be looked at.
pub(crate) type HandIn<'a, E> = dyn FnMut(usize, Frame) -> Result<(), E> + 'a;

/// A picture that waits to be looked at.
struct Waiting {
    number: usize,
    /// Which look at the clip it is.
    nth: usize,
    picture: Frame,
}

/// What has been seen so far, and what a look failed at.
#[derive(Default)]
struct Board {
    seen: Mutex<Vec<(usize, Seen)>>,
    failed: Mutex<Option<DetectorError>>,
}

/// What is seen in the pictures that are brought, in the order of their numbers, whoever is quicker.
pub(crate) fn look_at<E: From<DetectorError> + From<ThreadError>>(
    lookers: Vec<&mut dyn Looker>,
    bring: impl FnOnce(&mut HandIn<'_, E>) -> Result<(), E>,
) -> Result<Vec<(usize, Seen)>, E> {
    let board = Board::default();
    let (pictures, waiting) = sync_channel(WAITING_EACH * lookers.len().max(1));
    let mut nth = 0;
    // It goes when the last of those who look does, so that nobody brings a picture to nobody.
    let waiting = Arc::new(Mutex::new(waiting));
    thread::scope(|scope| {
        for (number, looker) in lookers.into_iter().enumerate() {
            let (name, waiting, board) = (format!("veil-{number}"), waiting.clone(), &board);
            let begun = thread::Builder::new().name(name.clone()).spawn_scoped(scope, move || {
                work(looker, &waiting, board);
            });
            begun.map_err(|source| ThreadError::Start { name, source })?;
        }
        drop(waiting);
        let brought = bring(&mut |number, picture| {
            // Let go of at once: whoever looks asks for it before he takes the next.
            let failed = lock(&board.failed).take();
            if let Some(error) = failed {
                return Err(error.into());
            }
            let handed_in = pictures.send(Waiting { number, nth, picture });
            nth += 1;
            Ok(handed_in.map_err(|_| ThreadError::Panicked { name: "veil".to_owned() })?)
        });
        drop(pictures);
        brought
    })?;
    if let Some(error) = lock(&board.failed).take() {
        return Err(error.into());
    }
    let mut seen = std::mem::take(&mut *lock(&board.seen));
    seen.sort_by_key(|(number, _)| *number);
    Ok(seen)
}

fn work(looker: &mut dyn Looker, waiting: &Mutex<Receiver<Waiting>>, board: &Board) {
    // The lock is held by the one who waits for a picture, and by nobody who looks at one.
    let next = || lock(waiting).recv().ok();
    while let Some(Waiting { number, nth, picture }) = next() {
        // After a failure what still comes is taken and left, so that nobody waits for room.
        if lock(&board.failed).is_some() {
            continue;
        }
        match looker.look(&picture, Care::Among(nth)) {
            Ok(seen) => lock(&board.seen).push((number, seen)),
            Err(error) => *lock(&board.failed) = Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use forewarn_domain::{BBox, ColourMatrix, FrameMeta, PixelFormat, StreamId, Timestamp};

    use super::*;
    use crate::clip::ClipError;

    /// Sees the number of the picture as the left edge of a box.
    struct One {
        fails_at: u64,
        looks: usize,
    }

    impl Looker for One {
        fn look(&mut self, picture: &Frame, care: Care) -> Result<Seen, DetectorError> {
            self.looks += 1;
            let number = picture.meta.sequence;
            assert_eq!(care, Care::Among(number as usize));
            if number == self.fails_at {
                return Err(DetectorError { message: "blind".to_owned() });
            }
            let x = number as f32;
            Ok(Seen { small: vec![BBox::new(x, 0.0, x + 1.0, 1.0)], ..Seen::default() })
        }
    }

    fn picture(number: usize) -> Frame {
        let (stream, at) = (StreamId::new("clip").unwrap(), Timestamp::ZERO + Duration::from_millis(number as u64));
        let meta = FrameMeta { stream, sequence: number as u64, captured_at: at, arrived_at: at };
        Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT601, (2, 2), vec![0; 6]).unwrap()
    }

    fn looked_at(lookers: &mut [One], pictures: usize) -> Result<Vec<(usize, Seen)>, ClipError> {
        let all = lookers.iter_mut().map(|one| one as &mut dyn Looker).collect();
        look_at(all, |hand_in: &mut HandIn<'_, ClipError>| {
            (0..pictures).try_for_each(|number| hand_in(number, picture(number)))
        })
    }

    #[test]
    fn what_several_see_is_told_in_the_order_of_the_pictures_each_of_which_one_looks_at() {
        let mut lookers: Vec<One> = (0..3).map(|_| One { fails_at: u64::MAX, looks: 0 }).collect();
        let seen = looked_at(&mut lookers, 200).unwrap();
        assert_eq!(seen.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (0..200).collect::<Vec<_>>());
        assert!(seen.iter().all(|(number, seen)| seen.small[0].x0 as usize == *number));
        assert_eq!(lookers.iter().map(|one| one.looks).sum::<usize>(), 200);
    }

    #[test]
    fn one_who_fails_ends_it_and_keeps_nobody_waiting() {
        for fails_at in [0, 50, 199] {
            let mut lookers: Vec<One> = (0..2).map(|_| One { fails_at, looks: 0 }).collect();
            let error = looked_at(&mut lookers, 200).unwrap_err().to_string();
            assert!(error.contains("blind"), "{error}");
        }
    }
}
