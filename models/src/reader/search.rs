//! Searches for parts, gathered over all looks of a call so that each is made once and all go through a model together.

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{BBox, Frame, Point};

use super::model::Said;
use super::opener::OpenModels;
use super::part::KeyPoint;
use crate::crop::{Window, view};
use crate::detector::Found;

/// Which kind of model searches, and its place among those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finder {
    Detector(usize),
    Points(usize),
}

/// One search on one part of a frame.
struct Search {
    finder: Finder,
    view: Frame,
    /// What the view shows of its frame.
    shown: Window,
    /// Address of the frame's pixels, which tells frames apart.
    frame: *const u8,
}

/// The number of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SearchId(usize);

/// All searches of a call.
#[derive(Default)]
pub(super) struct Searches(Vec<Search>);

/// What a search found, in pixels of the frame.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Finding {
    Boxes(Vec<Found>),
    Points(Vec<KeyPoint>),
    Failed,
}

/// What all searches found.
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn of(&self, id: SearchId) -> &Finding {
        &self.0[id.0]
    }
}

impl Searches {
    /// Asks for a search on a region of a frame; the same one is made once. `None` if nothing of the region is inside.
    pub(super) fn ask(&mut self, finder: Finder, frame: &Frame, region: &BBox) -> Option<SearchId> {
        let (view, shown) = view(frame, Window::around(region, 0.0, false)?)?;
        let pixels = frame.plane(0).0.as_ptr();
        let is_same = |s: &Search| s.finder == finder && s.shown == shown && s.frame == pixels;
        if let Some(index) = self.0.iter().position(is_same) {
            return Some(SearchId(index));
        }
        self.0.push(Search { finder, view, shown, frame: pixels });
        Some(SearchId(self.0.len() - 1))
    }

    /// Makes all searches.
    pub(super) fn run(self, models: &mut OpenModels) -> Findings {
        let mut findings = vec![Finding::Failed; self.0.len()];
        for (index, (model, record)) in models.detectors.iter_mut().enumerate() {
            let (places, views) = self.of(Finder::Detector(index));
            if views.is_empty() {
                continue;
            }
            let watch = Stopwatch::start();
            match model.find(&views) {
                Ok(all) => {
                    record.learn(watch.elapsed(), views.len());
                    for (place, found) in places.into_iter().zip(all) {
                        let shown = self.0[place].shown;
                        findings[place] = Finding::Boxes(found.into_iter().map(|f| moved(f, shown)).collect());
                    }
                }
                Err(error) => {
                    record.failed(&error);
                    tracing::warn!(views = views.len(), %error, "a model failed to search crops");
                }
            }
        }
        for (index, (model, record)) in models.crop_models.iter_mut().enumerate() {
            let (places, views) = self.of(Finder::Points(index));
            if views.is_empty() {
                continue;
            }
            let watch = Stopwatch::start();
            match model.look(&views) {
                Ok(all) => {
                    record.learn(watch.elapsed(), views.len());
                    for (place, said) in places.into_iter().zip(all) {
                        if let Said::Points(points) = said {
                            let shown = self.0[place].shown;
                            let point = |p: KeyPoint| KeyPoint { at: to_frame(p.at, shown), ..p };
                            findings[place] = Finding::Points(points.into_iter().map(point).collect());
                        }
                    }
                }
                Err(error) => {
                    record.failed(&error);
                    tracing::warn!(views = views.len(), %error, "a model failed to find key points");
                }
            }
        }
        Findings(findings)
    }

    /// The numbers and views of the searches of one model.
    fn of(&self, finder: Finder) -> (Vec<usize>, Vec<&Frame>) {
        let own = self.0.iter().enumerate().filter(|(_, search)| search.finder == finder);
        own.map(|(place, search)| (place, &search.view)).unzip()
    }
}

fn to_frame(point: Point, shown: Window) -> Point {
    Point::new(point.x + shown.left as f32, point.y + shown.top as f32)
}

fn moved(found: Found, shown: Window) -> Found {
    let landmarks = found.landmarks.into_iter().map(|p| to_frame(p, shown)).collect();
    Found { bbox: shown.box_to_frame(&found.bbox), landmarks, ..found }
}
