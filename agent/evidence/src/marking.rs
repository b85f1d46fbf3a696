//! The marked copy of a snapshot: zone, box, label, and a caption with title, place and time.

use image::RgbImage;

use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{BBox, Finding, Frame, IncidentRecord, Moment, Point, Polygon, Verdict};

use crate::canvas::{Canvas, Colour};
use crate::text::TextSize;

/// What is drawn on the marked copy besides what the incident itself says.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay {
    /// The violation's title, latin or Chinese.
    pub title: String,
    /// The subject's box in pixels of the frame; none if it is not seen in this frame.
    pub bbox: Option<BBox>,
    /// The zone in pixels of the frame.
    pub zone: Option<ZoneShape>,
    /// The time as people of the site read it, such as `2026-01-31 14:03:07.250 +08:00`.
    pub time: String,
}

const SUBJECT: Colour = [0xff, 0x3b, 0x30];
const ZONE: Colour = [0xff, 0xc5, 0x3d];
const EXCLUSION: Colour = [0xd9, 0x8c, 0xff];
const INK: Colour = [0x12, 0x14, 0x18];
const WHITE: Colour = [0xff, 0xff, 0xff];
const GREY: Colour = [0xc9, 0xce, 0xd6];

/// Draws the marked copy of `frame`: the frame with its marks, and below it a caption that hides nothing.
///
/// Pixel coordinates are those of the frame. The sizes of lines and letters follow the picture's size, so that a
/// thumbnail and a 4K frame read alike.
pub(crate) fn marked(frame: &Frame, incident: &IncidentRecord, moment: Moment, overlay: &Overlay) -> RgbImage {
    let em_px = (frame.height.min(frame.width) as f32 / 30.0).clamp(11.0, 64.0);
    let line_px = (em_px / 7.5).max(2.5);
    let mut canvas = Canvas { image: RgbImage::new(frame.width, frame.height) };
    canvas.image.copy_from_slice(&frame.to_rgb8());
    if let Some(zone) = &overlay.zone {
        draw_zone(&mut canvas, zone, line_px);
    }
    if let Some(bbox) = overlay.bbox.filter(BBox::is_valid) {
        draw_subject(&mut canvas, bbox.clamped(frame.width, frame.height), incident, em_px, line_px);
    }
    let caption_px = (em_px * 3.1).ceil() as u32;
    let mut whole = Canvas { image: RgbImage::new(frame.width, frame.height.saturating_add(caption_px)) };
    image::imageops::replace(&mut whole.image, &canvas.image, 0, 0);
    draw_caption(&mut whole, incident, moment, overlay, em_px);
    whole.image
}

/// The picture of `frame` with zones and lines drawn on it, and hatched the areas in which nothing is detected, each with its
/// name at its first point.
pub fn with_drawn(frame: &Frame, zones: &[(&str, ZoneShape)], exclusions: &[(&str, Polygon)]) -> RgbImage {
    let em_px = (frame.height.min(frame.width) as f32 / 30.0).clamp(11.0, 64.0);
    let line_px = (em_px / 7.5).max(2.5);
    let mut canvas = Canvas { image: RgbImage::new(frame.width, frame.height) };
    canvas.image.copy_from_slice(&frame.to_rgb8());
    for (_, polygon) in exclusions {
        canvas.hatch_polygon(&polygon.points, line_px * 0.6, EXCLUSION);
        canvas.path(&polygon.points, true, line_px + 2.0, INK);
        canvas.path(&polygon.points, true, line_px, EXCLUSION);
    }
    for (_, shape) in zones {
        draw_zone(&mut canvas, shape, line_px);
    }
    let of_exclusions = exclusions.iter().map(|(name, polygon)| (name, &polygon.points[..], EXCLUSION));
    let of_zones = zones.iter().map(|(name, shape)| (name, shape.points(), ZONE));
    let size = TextSize { em_px };
    let (pad, height) = (em_px * 0.35, em_px * 1.25);
    for (name, points, colour) in of_exclusions.chain(of_zones) {
        let Some(at) = points.first().copied() else { continue };
        let width = size.width_of(name) + 2.0 * pad;
        let x = at.x.min(frame.width as f32 - width).max(0.0);
        let y = at.y.min(frame.height as f32 - height).max(0.0);
        canvas.fill_rect(x, y, x + width, y + height, colour, 1.0);
        size.draw(&mut canvas, name, (x + pad, y + height * 0.74), INK);
    }
    canvas.image
}

fn draw_zone(canvas: &mut Canvas, zone: &ZoneShape, line_px: f32) {
    match zone {
        ZoneShape::Polygon(polygon) => {
            canvas.fill_polygon(&polygon.points, ZONE, 0.14);
            canvas.path(&polygon.points, true, line_px + 2.0, INK);
            canvas.path(&polygon.points, true, line_px, ZONE);
        }
        ZoneShape::Line(points) => {
            canvas.path(points, false, line_px + 2.0, INK);
            canvas.path(points, false, line_px, ZONE);
        }
    }
}

fn draw_subject(canvas: &mut Canvas, bbox: BBox, incident: &IncidentRecord, em_px: f32, line_px: f32) {
    let corners = [[bbox.x0, bbox.y0], [bbox.x1, bbox.y0], [bbox.x1, bbox.y1], [bbox.x0, bbox.y1]].map(Point::from);
    canvas.path(&corners, true, line_px + 2.0, INK);
    canvas.path(&corners, true, line_px, SUBJECT);

    let subject = &incident.subject;
    let label =
        if subject.count > 1 { format!("{} × {}", subject.count, subject.class) } else { subject.class.to_string() };
    let size = TextSize { em_px: em_px * 0.85 };
    let (pad, height) = (em_px * 0.35, em_px * 1.25);
    let width = size.width_of(&label) + 2.0 * pad;
    let x = (bbox.x0 - line_px * 0.5).min(canvas.image.width() as f32 - width).max(0.0);
    // The label stands on the box; where the picture ends above it, it hangs inside.
    let above = bbox.y0 - line_px * 0.5 - height;
    let y =
        if above >= 0.0 { above } else { bbox.y0 + line_px * 0.5 }.min(canvas.image.height() as f32 - height).max(0.0);
    canvas.fill_rect(x, y, x + width, y + height, SUBJECT, 1.0);
    size.draw(canvas, &label, (x + pad, y + height * 0.74), WHITE);
}

fn draw_caption(canvas: &mut Canvas, incident: &IncidentRecord, moment: Moment, overlay: &Overlay, em_px: f32) {
    let (width, height) = (canvas.image.width() as f32, canvas.image.height() as f32);
    let (title, small) = (TextSize { em_px }, TextSize { em_px: em_px * 0.75 });
    let (pad, top) = (em_px * 0.7, height - em_px * 3.1);
    canvas.fill_rect(0.0, top.floor(), width, height, INK, 1.0);
    canvas.fill_rect(0.0, top.floor(), em_px * 0.28, height, SUBJECT, 1.0);

    let (upper, lower) = (top + em_px * 1.4, top + em_px * 2.55);
    let time_width = small.width_of(&overlay.time);
    let has_room = time_width + em_px * 12.0 < width;
    let title_room = width - 2.0 * pad - if has_room { time_width + pad } else { 0.0 };
    title.draw(canvas, &title.fitted(&overlay.title, title_room), (pad, upper), WHITE);

    let rule = &incident.rule;
    let mut place = format!("{}  ·  {}  ·  {}", rule.stream, rule.zone, moment_text(incident, moment));
    for finding in &incident.findings {
        place = format!("{place}  ·  {}", finding_text(finding));
    }
    if has_room {
        small.draw(canvas, &overlay.time, (width - pad - time_width, upper), WHITE);
        let id = small.fitted(incident.id.as_str(), width * 0.45);
        let id_width = small.width_of(&id);
        small.draw(canvas, &id, (width - pad - id_width, lower), GREY);
        small.draw(canvas, &small.fitted(&place, width - id_width - 3.0 * pad), (pad, lower), GREY);
    } else {
        small.draw(canvas, &small.fitted(&overlay.time, width - 2.0 * pad), (pad, lower), GREY);
    }
}

/// What the snapshot shows, in words.
fn moment_text(incident: &IncidentRecord, moment: Moment) -> String {
    match moment {
        Moment::Confirmed => "confirmed".to_owned(),
        Moment::AfterWarning if incident.warning_not_delivered => "warning not delivered".to_owned(),
        Moment::AfterWarning => "after the warning".to_owned(),
        Moment::Ended => format!("ended: {}", outcome(incident)),
    }
}

/// What closer looks found, in words: `dust_mask: no, 6 of 6 looks in 4.3 s`.
fn finding_text(finding: &Finding) -> String {
    let said = match (finding.verdict, &finding.text, finding.unclear) {
        (Verdict::Yes, Some(text), _) => text.clone(),
        (Verdict::Yes, None, _) => "yes".to_owned(),
        (Verdict::No, ..) => "no".to_owned(),
        (Verdict::CannotTell, _, Some(unclear)) => format!("cannot tell ({unclear})"),
        (Verdict::CannotTell, ..) => "cannot tell".to_owned(),
    };
    if let Some(within_m) = finding.fly_within_m.map(f32::floor) {
        return format!("{}: {said}, fly closer: within {within_m:.0} m", finding.about);
    }
    // What was told once, such as by a sensor, was not found by looks that could be counted.
    if finding.looks <= 1 {
        return format!("{}: {said}", finding.about);
    }
    let span = finding.first_at.zip(finding.last_at).map(|(first, last)| last.since(first).as_secs_f64());
    let in_s = span.map_or_else(String::new, |span_s| format!(" in {span_s:.1} s"));
    format!("{}: {said}, {} of {} looks{in_s}", finding.about, finding.votes, finding.looks)
}

/// The state that decided the incident, which `Closed` only follows.
fn outcome(incident: &IncidentRecord) -> &'static str {
    use forewarn_domain::IncidentState::{Complied, Escalated, Lost};
    let decided = incident.history.iter().rev().find(|t| matches!(t.state, Complied | Escalated | Lost));
    decided.map_or(incident.state, |t| t.state).as_str()
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::testing::{closed, frame};

    fn overlay() -> Overlay {
        Overlay {
            title: "Illegal parking 违章停车".to_owned(),
            bbox: Some(BBox::new(40.0, 40.0, 90.0, 80.0)),
            zone: Some(ZoneShape::Polygon(Polygon::new(
                [[10., 10.], [150., 10.], [150., 100.], [10., 100.]].map(Point::from).to_vec(),
            ))),
            time: "2026-01-31 14:03:07.250 +08:00".to_owned(),
        }
    }

    #[test]
    fn box_and_zone_stand_where_they_belong() {
        let picture = marked(&frame(640, 360), &closed(1), Moment::Ended, &overlay());
        assert_eq!(picture.get_pixel(65, 40).0, SUBJECT);
        assert_eq!(picture.get_pixel(120, 10).0, ZONE);
        let clean = frame(640, 360).rgb_at(300, 150);
        assert_eq!(picture.get_pixel(300, 150).0, clean, "what lies outside of all marks is untouched");
    }

    #[test]
    fn zones_are_drawn_with_their_names_and_what_lies_outside_draws_nothing() {
        let corners = |points: [[f32; 2]; 4]| ZoneShape::Polygon(Polygon::new(points.map(Point::from).to_vec()));
        let near = corners([[100., 100.], [500., 100.], [500., 300.], [100., 300.]]);
        let far = corners([[3000., 1500.], [3500., 1500.], [3500., 2000.], [3000., 2000.]]);
        let picture = with_drawn(&frame(640, 360), &[("kerb", near), ("far", far)], &[]);
        assert_eq!(picture.dimensions(), (640, 360));
        assert_eq!((picture.get_pixel(300, 300).0, picture.get_pixel(102, 103).0), (ZONE, ZONE), "edge and name");
        assert_eq!(picture.get_pixel(50, 200).0, frame(640, 360).rgb_at(50, 200));
    }

    #[test]
    fn where_nothing_is_detected_is_hatched_and_seen_between_the_lines() {
        let poster = [[100., 100.], [300., 100.], [300., 300.], [100., 300.]].map(Point::from).to_vec();
        let picture = with_drawn(&frame(640, 360), &[], &[("poster", Polygon::new(poster))]);
        let inside = (150..250).flat_map(|y| (150..250).map(move |x| (x, y)));
        let (lines, between): (Vec<_>, Vec<_>) = inside.partition(|(x, y)| picture.get_pixel(*x, *y).0 == EXCLUSION);
        assert!((1_500..1_850).contains(&lines.len()), "a sixth of it: {}", lines.len());
        let is_untouched = |(x, y): &(u32, u32)| picture.get_pixel(*x, *y).0 == frame(640, 360).rgb_at(*x, *y);
        assert!(between.iter().all(is_untouched) && is_untouched(&(50, 200)));
        assert_eq!((picture.get_pixel(200, 300).0, picture.get_pixel(102, 103).0), (EXCLUSION, EXCLUSION));
    }

    #[test]
    fn what_closer_looks_found_is_told_in_words() {
        let at = |at_us| Some(forewarn_domain::Timestamp::from_micros(at_us));
        let mask = Finding {
            about: forewarn_domain::About::Attribute(forewarn_domain::AttributeId::new("dust_mask").unwrap()),
            verdict: Verdict::No,
            unclear: None,
            confidence: 0.98,
            votes: 6,
            looks: 7,
            first_at: at(1_000_000),
            last_at: at(5_300_000),
            text: None,
            fly_within_m: None,
            best: None,
        };
        assert_eq!(finding_text(&mask), "dust_mask: no, 6 of 7 looks in 4.3 s");
        let unclear = Some(forewarn_domain::Unclear::TooFewVotes);
        let few = Finding { verdict: Verdict::CannotTell, unclear, first_at: None, ..mask.clone() };
        assert_eq!(finding_text(&few), "dust_mask: cannot tell (too_few_votes), 6 of 7 looks");
        let small = Finding { fly_within_m: Some(24.7), ..few.clone() };
        assert_eq!(finding_text(&small), "dust_mask: cannot tell (too_few_votes), fly closer: within 24 m");
        let (verdict, text) = (Verdict::Yes, Some("3.2 mg/m³".to_owned()));
        let told = Finding { verdict, text, votes: 1, looks: 1, ..mask.clone() };
        assert_eq!(finding_text(&told), "dust_mask: 3.2 mg/m³");
        let plate = Finding { verdict: Verdict::Yes, text: Some("京A12345".to_owned()), ..mask };
        assert!(finding_text(&plate).contains(": 京A12345, 6 of"), "{}", finding_text(&plate));
    }

    #[test]
    fn odd_boxes_and_tiny_frames_are_drawn_without_harm() {
        for bbox in [[-1e9, -1e9, 1e9, 1e9], [5., 5., 5., 5.], [f32::NAN, 0., 1., 1.], [600., 340., 900., 900.]] {
            let overlay = Overlay { bbox: Some(BBox::from(bbox)), ..overlay() };
            for (width, height) in [(1, 1), (7, 300), (640, 360)] {
                let picture = marked(&frame(width, height), &closed(1), Moment::Confirmed, &overlay);
                assert!(picture.width() == width && picture.height() > height);
            }
        }
    }

    /// Writes a marked photo to the folder named by `FOREWARN_MARKED_OUT`, to be looked at.
    #[test]
    fn a_real_photo_can_be_marked() {
        let photos = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/detect/images");
        let photo = photos.join("000000001490.jpg");
        let Ok(decoded) = image::open(&photo) else {
            println!("skipped: {} is not here", photo.display());
            return;
        };
        let rgb = decoded.to_rgb8();
        let (w, h) = (rgb.width(), rgb.height());
        let meta = frame(2, 2).meta;
        let colour = forewarn_domain::ColourMatrix::BT601;
        let photo = Frame::packed(meta, forewarn_domain::PixelFormat::Rgb8, colour, (w, h), rgb.into_raw()).unwrap();
        let (wf, hf) = (w as f32, h as f32);
        let overlay = Overlay {
            bbox: Some(BBox::new(wf * 0.3, hf * 0.3, wf * 0.5, hf * 0.7)),
            zone: Some(ZoneShape::Polygon(Polygon::new(vec![
                Point::new(wf * 0.1, hf * 0.45),
                Point::new(wf * 0.8, hf * 0.4),
                Point::new(wf * 0.9, hf * 0.8),
                Point::new(wf * 0.05, hf * 0.82),
            ]))),
            ..overlay()
        };
        let picture = marked(&photo, &closed(1), Moment::Ended, &overlay);
        assert!(picture.width() == w && picture.height() > h);
        if let Some(out) = std::env::var_os("FOREWARN_MARKED_OUT") {
            picture.save(std::path::Path::new(&out).join("marked.png")).unwrap();
        }
    }
}
