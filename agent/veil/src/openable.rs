//! Whether anything of a bundle can be opened on this box: what is sealed to a public key cannot.

use forewarn_evidence::{Original, is_sealed_to_key};

use crate::error::ExportError;

/// Pictures and clips, by the ends of their names.
pub const PICTURES_AND_CLIPS: &[&str] = &["jpg", "mp4"];
/// Clips alone.
pub const CLIPS: &[&str] = &["mp4"];

/// How many files of these kinds are sealed to a key. Refuses a bundle in which all of them are: of nothing that could be looked
/// at, a copy would show nothing.
pub fn sealed_files(original: &Original, kinds: &[&str]) -> Result<usize, ExportError> {
    let is_of_kind = |file: &str| kinds.iter().any(|kind| file.ends_with(&format!(".{kind}")));
    let is_open = |file: &&String| is_of_kind(file);
    let is_sealed =
        |file: &&String| is_sealed_to_key(file) && file.rsplit_once('.').is_some_and(|(of, _)| is_of_kind(of));
    let sealed = original.files().iter().filter(is_sealed).count();
    if sealed > 0 && !original.files().iter().any(|file| is_open(&file)) {
        return Err(ExportError::Sealed(original.path("")));
    }
    Ok(sealed)
}
