//! What the incident loop tells the inference thread of each stream: who is tracked, and how many incidents are open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use forewarn_base::sync::lock;
use forewarn_domain::{BBox, StreamId};

/// One stream's scene after its latest analysed frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SceneNews {
    /// Where the tracks are, seen and lost, in pixels of the frame.
    pub tracks: Vec<BBox>,
    /// Incidents that are not closed.
    pub open_incidents: usize,
    /// Whether something happened that the next look shall tell of.
    pub is_stirred: bool,
}

/// The scenes of all streams, shared. Only the latest of each counts.
#[derive(Debug, Clone, Default)]
pub struct Scenes {
    latest: Arc<Mutex<BTreeMap<StreamId, SceneNews>>>,
}

impl Scenes {
    /// The tracks of a stream are these now.
    pub fn tracked(&self, stream: &StreamId, tracks: Vec<BBox>) {
        self.lock().entry(stream.clone()).or_default().tracks = tracks;
    }

    /// So many incidents are open in each stream; none in those that are not named.
    pub fn open(&self, open_incidents: &BTreeMap<StreamId, usize>) {
        let mut scenes = self.lock();
        for stream in open_incidents.keys() {
            scenes.entry(stream.clone()).or_default();
        }
        for (stream, scene) in scenes.iter_mut() {
            scene.open_incidents = open_incidents.get(stream).copied().unwrap_or_default();
        }
    }

    /// Nothing is known of a stream any more.
    pub fn forget(&self, stream: &StreamId) {
        self.lock().remove(stream);
    }

    /// Something happened in the stream that the detector does not see: it is to be looked at soon.
    pub fn stir(&self, stream: &StreamId) {
        self.lock().entry(stream.clone()).or_default().is_stirred = true;
    }

    /// Whether something happened since that was taken last.
    pub fn is_stirred(&self, stream: &StreamId) -> bool {
        self.lock().get(stream).is_some_and(|scene| scene.is_stirred)
    }

    /// Whether something happened since this was asked last.
    pub fn take_stirred(&self, stream: &StreamId) -> bool {
        self.lock().get_mut(stream).is_some_and(|scene| std::mem::take(&mut scene.is_stirred))
    }

    /// The scene of a stream.
    pub fn of(&self, stream: &StreamId) -> SceneNews {
        self.lock().get(stream).cloned().unwrap_or_default()
    }

    /// How many tracks and open incidents a stream has.
    pub fn counts(&self, stream: &StreamId) -> (usize, usize) {
        self.lock().get(stream).map_or((0, 0), |scene| (scene.tracks.len(), scene.open_incidents))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<StreamId, SceneNews>> {
        lock(&self.latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_told_once() {
        let scenes = Scenes::default();
        let gate = StreamId::new("gate").unwrap();
        assert!(!scenes.take_stirred(&gate));
        scenes.stir(&gate);
        assert!(scenes.take_stirred(&gate) && !scenes.take_stirred(&gate));
    }

    #[test]
    fn incidents_that_are_closed_are_counted_no_longer() {
        let scenes = Scenes::default();
        let gate = StreamId::new("gate").unwrap();
        scenes.tracked(&gate, vec![BBox::new(0.0, 0.0, 1.0, 1.0)]);
        scenes.open(&std::iter::once((gate.clone(), 2)).collect());
        assert_eq!(scenes.counts(&gate), (1, 2));
        scenes.open(&BTreeMap::new());
        assert_eq!(scenes.counts(&gate), (1, 0));
        assert_eq!(scenes.of(&gate).tracks.len(), 1);
    }
}
