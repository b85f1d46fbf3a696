//! One attribute with its models: from a look to the crops of its part, and from what a model says to an answer.

use forewarn_domain::{Answer, BBox, Frame, Look, Point, SeenHead, Unclear};

use super::attribute::{Attribute, Find, FindFace, FindPlate, FindPose};
use super::error::ReaderError;
use super::model::{Said, as_trained};
use super::opener::{OpenModels, Opener};
use super::scale::Scale;
use super::search::{Finder, Finding, SearchId, Searches};
use super::{clamped, heads, part, plate};
use crate::card::{self, Card, Crop, CropOf, Task};
use crate::crop::{Limits, Quality, Window, cut};
use crate::detector::Found;

/// Margin around a vehicle in which its plate is looked for, as a part of its sides.
const VEHICLE_MARGIN: f32 = 0.05;

/// A box whose upper edge lies this near to the frame's is cut off there, and a plate with a corner this far beyond, in pixels.
const AT_THE_EDGE_PX: f32 = 1.5;

/// One attribute with its open models.
pub(super) struct Chain {
    attribute: Attribute,
    /// The card of the judge, if there is one.
    card: Option<Card>,
    /// Which part is cut out.
    crop: Option<Crop>,
    limits: Limits,
    /// The judge's place among the models that look at crops.
    pub(super) judge: Option<usize>,
    /// Places of the finders.
    pub(super) face: Option<usize>,
    pub(super) pose: Option<usize>,
    pub(super) plate: Option<usize>,
}

/// The part of a subject that shows the attribute.
#[derive(Debug)]
pub(super) struct Part {
    /// Where it lies in the frame.
    pub(super) bbox: BBox,
    /// Each of its places, without margins; more than one for ears.
    pub(super) boxes: Vec<BBox>,
    /// The least quality of its crops.
    pub(super) quality: f32,
    /// Why a model would be wasted on it.
    pub(super) unclear: Option<Unclear>,
    /// What the model is shown of each place; nothing where a model would be wasted on it or there is none.
    pub(super) crops: Vec<Frame>,
}

impl Chain {
    pub(super) fn open(
        attribute: &Attribute,
        opener: &Opener<'_>,
        models: &mut OpenModels,
    ) -> Result<Self, ReaderError> {
        let id = &attribute.attribute;
        let find = &attribute.find;
        let card = match opener.card(id, &attribute.model) {
            Err(_) if !opener.is_judge_needed && (attribute.part.is_some() || find.plate.is_some()) => None,
            card => Some(card?),
        };
        let crop = card.as_ref().and_then(|card| card.crop).or(attribute.part);
        let problem = card.as_ref().map_or(Ok(()), |card| check_judge(attribute, card)).and_then(|()| match crop {
            Some(crop) => check_part(find, crop.of),
            None if find.plate.is_some() => Ok(()),
            None => Err("its card has no [crop], which says what part of a subject it is shown"),
        });
        problem.map_err(|problem| Opener::mismatch(id, &attribute.model, problem))?;
        let face =
            find.face.as_ref().map(|f| opener.detector(id, &f.model, (f.min_score, Scale::To(f.side_px)), models));
        let plate = find.plate.as_ref().map(|f| opener.detector(id, &f.model, (f.min_score, f.scale()), models));
        let (face, plate) = (face.transpose()?, plate.transpose()?);
        let pose = match &find.pose {
            None => None,
            Some(FindPose { model, .. }) if opener.card(id, model)?.task() == Task::Keypoints => {
                Some(opener.crop_model(id, model, models)?)
            }
            Some(FindPose { model, .. }) => {
                return Err(Opener::mismatch(id, model, "find.pose needs a model of key points"));
            }
        };
        let judge = match card.as_ref().map(|card| opener.crop_model(id, &card.name, models)) {
            Some(Err(ReaderError::Weights { .. })) | None if !opener.is_judge_needed => None,
            judge => judge.transpose()?,
        };
        let limits = attribute.limits.resolved(crop.map(|crop| crop.min_side_px));
        Ok(Self { attribute: attribute.clone(), card, crop, limits, judge, face, pose, plate })
    }

    /// How many crops a look takes at most.
    pub(super) fn crops_per_look(&self) -> u32 {
        match &self.attribute.find.plate {
            Some(find) => plate::most_shown(find),
            None if self.crop.is_some_and(|crop| crop.of == CropOf::Ears) => 2,
            None => 1,
        }
    }

    /// Asks for the search that a look needs, or says why the look is not worth one.
    pub(super) fn begin(
        &self,
        frame: &Frame,
        look: &Look,
        searches: &mut Searches,
    ) -> Result<Option<SearchId>, Unclear> {
        if !self.attribute.is_of(&look.class) || !look.bbox.is_valid() {
            return Err(Unclear::PartNotFound);
        }
        let subject = clamped(&look.bbox, frame);
        if subject.area() <= 0.0 {
            return Err(Unclear::CutOff);
        }
        let head = self.head_of(look);
        if head.is_some_and(|head| head.is_doubtful) {
            return Err(Unclear::Hidden);
        }
        if head.is_none() && (subject.width().min(subject.height()) as u32) < self.limits.min_side_px {
            return Err(Unclear::TooSmall);
        }
        let (finder, region) = if let Some(plate) = self.plate {
            (Finder::Detector(plate), grown(&subject, VEHICLE_MARGIN))
        } else if let Some(face) = self.face {
            let region = head.map_or_else(|| part::face_region(&subject), |head| heads::face_region(&head.bbox));
            (Finder::Detector(face), region)
        } else if let Some(pose) = self.pose {
            (Finder::Points(pose), grown(&subject, 0.1))
        } else {
            return Ok(None);
        };
        searches.ask(finder, frame, &region).map(Some).ok_or(Unclear::CutOff)
    }

    /// The part of a look's subject by what was found, with its crops; or why there is none.
    /// `others` are the boxes of other subjects in the frame, whose part it may rather be.
    pub(super) fn part(
        &self,
        frame: &Frame,
        (look, others): (&Look, &[BBox]),
        found: Option<&Finding>,
    ) -> Result<Part, Unclear> {
        let subject = clamped(&look.bbox, frame);
        if let (Some(find), Some(found)) = (&self.attribute.find.plate, found) {
            return self.plate(frame, (&subject, others), find, found);
        }
        let crop = self.crop.ok_or(Unclear::ModelFailed)?;
        let head = self.head_of(look);
        // Whose head it is was settled where it was found.
        let near = head.map(|head| heads::surroundings(&head.bbox));
        let (subject, others) = near.map_or((subject, others), |near| (near, &[]));
        let (boxes, margin) = match (crop.of, head) {
            (CropOf::Head, Some(head)) => (vec![head.bbox], crop.margin),
            (CropOf::Box, _) => (vec![subject], crop.margin),
            (CropOf::Face, _) => (vec![self.face_box(&subject, others, found)?], crop.margin),
            (CropOf::Head, None) => self.head_box(&subject, others, found)?,
            (CropOf::Torso, _) => {
                let (points, min_score) = self.points(found)?;
                (vec![part::torso(&subject, points, min_score).ok_or(Unclear::PartNotFound)?], crop.margin)
            }
            (CropOf::Ears, _) => {
                let (points, min_score) = self.points(found)?;
                (part::ears(points, min_score), crop.margin)
            }
        };
        let Some(first) = boxes.first() else { return Err(Unclear::PartNotFound) };
        let bbox = clamped(&boxes.iter().fold(*first, |all, one| all.union(one)), frame);
        let limits = self.limits_of(crop.of, head);
        let mut part = Part { bbox, boxes, quality: 1.0, unclear: None, crops: Vec::new() };
        for bbox in &part.boxes {
            let bare = Window::around(bbox, 0.0, false).ok_or(Unclear::PartNotFound)?;
            let quality = Quality::measure(frame, bare).ok_or(Unclear::CutOff)?;
            part.quality = part.quality.min(quality.score(&limits));
            part.unclear = part.unclear.or(quality.unclear(&limits));
            let window = Window::around(bbox, margin, crop.square).ok_or(Unclear::PartNotFound)?;
            if let (Some(card), Some(_), None) = (&self.card, self.judge, part.unclear) {
                part.crops.push(as_trained(cut(frame, window).ok_or(Unclear::CutOff)?, card));
            }
        }
        Ok(part)
    }

    /// The head that the detector found, if it is of use for this attribute.
    fn head_of<'l>(&self, look: &'l Look) -> Option<&'l SeenHead> {
        look.head.as_ref().filter(|head| self.attribute.heads.is_some() && head.bbox.is_valid())
    }

    /// From when on a crop is not worth the model: heads that the detector found may be smaller.
    fn limits_of(&self, of: CropOf, head: Option<&SeenHead>) -> Limits {
        match (&self.attribute.heads, head, of) {
            (Some(heads), Some(_), CropOf::Head) => Limits { min_side_px: heads.least_px as u32, ..self.limits },
            _ => self.limits,
        }
    }

    fn face_box(&self, subject: &BBox, others: &[BBox], found: Option<&Finding>) -> Result<BBox, Unclear> {
        let find = self.attribute.find.face.as_ref().ok_or(Unclear::PartNotFound)?;
        let face = own_face((subject, others), find, found)?.ok_or(Unclear::PartNotFound)?;
        if part::is_turned_away(face) {
            return Err(Unclear::TurnedAway);
        }
        Ok(part::adjusted(&face.bbox, find))
    }

    /// The head and the margin around it. The top of a person's box is coarse already and gets no margin.
    fn head_box(&self, subject: &BBox, others: &[BBox], found: Option<&Finding>) -> Result<(Vec<BBox>, f32), Unclear> {
        let margin = self.crop.map_or(0.0, |crop| crop.margin);
        let head = match (&self.attribute.find.face, &self.attribute.find.pose) {
            (Some(find), _) => {
                let face = own_face((subject, others), find, found)?;
                face.map(|face| part::head_around(&part::adjusted(&face.bbox, find)))
            }
            (None, Some(_)) => {
                let (points, min_score) = self.points(found)?;
                part::head_by_points(points, min_score)
            }
            (None, None) => None,
        };
        if let Some(head) = head {
            return Ok((vec![head], margin));
        }
        if subject.y0 < AT_THE_EDGE_PX {
            return Err(Unclear::CutOff);
        }
        Ok((vec![part::top_of(subject)], 0.0))
    }

    fn points<'f>(&self, found: Option<&'f Finding>) -> Result<(&'f [part::KeyPoint], f32), Unclear> {
        let min_score = self.attribute.find.pose.as_ref().map_or(1.0, |pose| pose.min_score);
        match found {
            Some(Finding::Points(points)) => Ok((points, min_score)),
            _ => Err(Unclear::ModelFailed),
        }
    }

    fn plate(
        &self,
        frame: &Frame,
        (subject, others): (&BBox, &[BBox]),
        find: &FindPlate,
        found: &Finding,
    ) -> Result<Part, Unclear> {
        let Finding::Boxes(found) = found else { return Err(Unclear::ModelFailed) };
        let is_own = |f: &&Found| f.score >= find.min_score && !part::is_plate_of_another(subject, others, &f.bbox);
        let own = found.iter().find(is_own).ok_or(Unclear::PartNotFound)?;
        let corners = plate::in_reading_order(&own.landmarks).ok_or(Unclear::PartNotFound)?;
        let (width, height) = (frame.width as f32, frame.height as f32);
        let is_beyond =
            |c: &Point| c.x.min(c.y) < -AT_THE_EDGE_PX || c.x > width + AT_THE_EDGE_PX || c.y > height + AT_THE_EDGE_PX;
        if corners.iter().any(is_beyond) {
            return Err(Unclear::CutOff);
        }
        let bare = Window::around(&own.bbox, 0.0, false).ok_or(Unclear::PartNotFound)?;
        let mut quality = Quality::measure(frame, bare).ok_or(Unclear::CutOff)?;
        let [tl, tr, br, bl] = corners;
        // The box of a tilted plate is higher than its letters.
        quality.side_px = tl.distance(bl).min(tr.distance(br)).round() as u32;
        let crops = plate::shown(frame, corners, find).ok_or(Unclear::PartNotFound)?;
        Ok(Part {
            bbox: clamped(&own.bbox, frame),
            boxes: vec![own.bbox],
            quality: quality.score(&self.limits),
            unclear: quality.unclear(&self.limits),
            crops,
        })
    }

    /// What the model's words about all crops of a part mean, with what the detector holds the head for.
    pub(super) fn answer(&self, said: &[Said], head: Option<&SeenHead>) -> Answer {
        let text = |said: &Said| match said {
            Said::Text(characters) => Some(plate::text(characters)),
            _ => None,
        };
        let texts: Option<Vec<_>> = said.iter().map(text).collect();
        if let Some(texts) = texts.filter(|texts| !texts.is_empty()) {
            return plate::surest(&texts, self.attribute.find.plate.as_ref(), self.attribute.text);
        }
        self.probability(said, head).map_or_else(Answer::CannotTell, Answer::Probability)
    }

    /// The probability of yes. Of several crops (ears) the least counts: what is worn covers all of them.
    fn probability(&self, said: &[Said], head: Option<&SeenHead>) -> Result<f32, Unclear> {
        let card = self.card.as_ref().ok_or(Unclear::ModelFailed)?;
        let answer = card.answer.as_ref().ok_or(Unclear::ModelFailed)?;
        let classes = card.classes.by_number();
        let means_yes = |number: usize| {
            let class = classes.get(number).and_then(Option::as_ref);
            class.is_some_and(|class| answer.yes.iter().any(|yes| yes == class.as_str()))
        };
        let mut least = None;
        for said in said {
            let Said::Classes(scores) = said else { return Err(Unclear::ModelFailed) };
            if scores.iter().all(|&score| score == 0.0) && scores.len() > 1 {
                return Err(Unclear::ModelFailed);
            }
            let yes = scores.iter().enumerate().filter(|(number, _)| means_yes(*number)).map(|(_, score)| score);
            let yes = yes.sum::<f32>().clamp(0.0, 1.0);
            least = Some(least.map_or(yes, |least: f32| least.min(yes)));
        }
        let opinion = self.attribute.heads.as_ref().and_then(|heads| heads.opinion.as_ref()).zip(head);
        let (at_least, at_most) = opinion.map_or((answer.yes_at_least, answer.no_at_most), |(by_both, _)| {
            (by_both.yes_at_least, by_both.no_at_most)
        });
        match least.map(|yes| opinion.map_or(yes, |(by_both, head)| by_both.joined(yes, head))) {
            Some(yes) if yes >= at_least || yes <= at_most => Ok(yes),
            Some(_) => Err(Unclear::Undecided),
            None => Err(Unclear::ModelFailed),
        }
    }
}

/// The subject's own face among those that were found.
fn own_face<'f>(
    (subject, others): (&BBox, &[BBox]),
    find: &FindFace,
    found: Option<&'f Finding>,
) -> Result<Option<&'f Found>, Unclear> {
    match found {
        Some(Finding::Boxes(found)) => Ok(part::own_face(subject, others, found, find.min_score)),
        _ => Err(Unclear::ModelFailed),
    }
}

/// Whether a card can judge an attribute.
fn check_judge(attribute: &Attribute, card: &Card) -> Result<(), &'static str> {
    match card.task() {
        Task::Text => return Ok(()),
        Task::Classify => {}
        Task::Detect | Task::Keypoints => return Err("a classifier or a model that reads text is needed"),
    }
    let Some(card::Answer { yes_at_least, no_at_most, .. }) = &card.answer else {
        return Err("its card has no [answer], which says which classes mean yes");
    };
    if *yes_at_least < 0.5 || *no_at_most > 0.5 {
        return Err(
            "answer.yes-at-least must be 0.5 or more and answer.no-at-most 0.5 or less, because votes count 0.5 \
                    as neither",
        );
    }
    if attribute.find.plate.is_some() {
        return Err("[find.plate] is for a model that reads text");
    }
    Ok(())
}

/// Whether what finds parts finds this one.
fn check_part(find: &Find, of: CropOf) -> Result<(), &'static str> {
    match of {
        CropOf::Face if find.face.is_none() => Err("it is shown faces, so [find.face] is needed"),
        CropOf::Torso | CropOf::Ears if find.pose.is_none() => {
            Err("it is shown what key points find, so [find.pose] is needed")
        }
        CropOf::Torso | CropOf::Ears if find.face.is_some() => Err("[find.face] does not help here; leave it out"),
        _ => Ok(()),
    }
}

fn grown(bbox: &BBox, margin: f32) -> BBox {
    let (x, y) = (bbox.width() * margin, bbox.height() * margin);
    BBox::new(bbox.x0 - x, bbox.y0 - y, bbox.x1 + x, bbox.y1 + y)
}
