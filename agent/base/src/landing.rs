//! Whether the drones of this box stand on the ground, as their autopilots tell.
//!
//! A box flies or it does not, so there is one answer in a process: what hears autopilots tells it, and what keeps bytes for the
//! ground asks. The last word counts until there is another one, because who falls silent in the air is still there.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::sync::lock;

/// By camera, whether its vehicle has landed.
#[derive(Debug, Default)]
struct Vehicles(BTreeMap<String, bool>);

static VEHICLES: Mutex<Vehicles> = Mutex::new(Vehicles(BTreeMap::new()));

impl Vehicles {
    fn tell(&mut self, camera: &str, is_landed: bool) {
        self.0.insert(camera.to_owned(), is_landed);
    }

    fn have_landed(&self) -> bool {
        !self.0.is_empty() && self.0.values().all(|is_landed| *is_landed)
    }
}

/// The vehicle of this camera says whether it stands on the ground.
pub fn tell(camera: &str, is_landed: bool) {
    lock(&VEHICLES).tell(camera, is_landed);
}

/// Nothing flies under this camera any more.
pub fn forget(camera: &str) {
    lock(&VEHICLES).0.remove(camera);
}

/// Whether every vehicle that ever told has landed. Where none told, nobody knows, and it is not so.
pub fn is_told_of_all() -> bool {
    lock(&VEHICLES).have_landed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_have_to_stand_and_silence_says_nothing() {
        let mut vehicles = Vehicles::default();
        assert!(!vehicles.have_landed());
        vehicles.tell("hill", true);
        assert!(vehicles.have_landed());
        vehicles.tell("river", false);
        assert!(!vehicles.have_landed());
        vehicles.tell("river", true);
        assert!(vehicles.have_landed());
    }
}
