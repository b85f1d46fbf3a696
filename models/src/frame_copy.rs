//! Copies of frames for those who keep them longer than a decoder can wait for its buffers.

use forewarn_domain::Frame;

/// The same picture in bytes of its own, tightly packed. `None` for a frame whose planes contradict its size.
pub(crate) fn own_copy(frame: &Frame) -> Option<Frame> {
    let shapes = frame.format.plane_shapes(frame.width, frame.height);
    let mut bytes = Vec::with_capacity(shapes.iter().map(|(rows, row_bytes)| rows * row_bytes).sum());
    for (number, (rows, row_bytes)) in shapes.into_iter().enumerate() {
        let (plane, stride) = frame.plane(number);
        for row in 0..rows {
            bytes.extend_from_slice(plane.get(row * stride..row * stride + row_bytes)?);
        }
    }
    Frame::packed(frame.meta.clone(), frame.format, frame.colour, (frame.width, frame.height), bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use forewarn_domain::frame::Plane;
    use forewarn_domain::{ColourMatrix, FrameMeta, PixelFormat, StreamId, Timestamp};

    use super::*;

    #[test]
    fn a_copy_has_the_same_pixels_without_the_gaps() {
        let stream = StreamId::new("s").unwrap();
        let meta = FrameMeta { stream, sequence: 3, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
        let bytes: Vec<u8> = (0..=255).collect();
        let planes = [Plane { offset: 2, stride: 16 }, Plane { offset: 100, stride: 16 }];
        let frame = Frame::new(meta, PixelFormat::Nv12, ColourMatrix::BT709, (6, 4), &planes, Arc::new(bytes)).unwrap();
        let copy = own_copy(&frame).unwrap();
        assert_eq!((copy.meta.clone(), copy.to_rgb8()), (frame.meta.clone(), frame.to_rgb8()));
        assert_eq!(copy.plane(0).1, 6);
    }
}
