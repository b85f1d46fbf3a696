//! The fetcher on `file://` addresses and local files, through the real `curl`.

use super::*;
use crate::card::WeightSource;
use crate::cards;

fn card(source: WeightSource, weights_sha256: Option<String>) -> Card {
    let mut card = cards::builtin("yolox-nano").unwrap();
    card.source = source;
    card.weights.sha256 = weights_sha256;
    card
}

struct Place {
    dir: tempfile::TempDir,
    fetcher: Fetcher,
}

/// A folder with a file to be fetched and an empty store.
fn place(content: &[u8]) -> Place {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("served.onnx"), content).unwrap();
    let fetcher = Fetcher::new(Store::at(dir.path().join("store")), Progress::Silent);
    Place { dir, fetcher }
}

impl Place {
    fn url(&self) -> String {
        format!("file://{}", self.dir.path().join("served.onnx").display())
    }

    fn cached(&self, name: &str) -> PathBuf {
        self.dir.path().join("store/cache").join(name)
    }
}

#[test]
fn a_file_is_fetched_once_and_a_damaged_one_again() {
    let place = place(b"weights");
    let hash = hash::sha256_of_bytes(b"weights");
    let card = card(WeightSource::Url { url: place.url(), sha256: Some(hash.clone()) }, Some(hash));
    let path = place.fetcher.fetch_model(&card).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"weights");
    // Without the source, only the store and its cache can answer.
    fs::remove_file(place.dir.path().join("served.onnx")).unwrap();
    place.fetcher.fetch_model(&card).unwrap();
    fs::write(&path, b"damaged").unwrap();
    place.fetcher.fetch_model(&card).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"weights");
}

#[test]
fn a_wrong_hash_names_expected_and_found_and_leaves_nothing_behind() {
    let place = place(b"something else");
    let pinned = hash::sha256_of_bytes(b"weights");
    let card = card(WeightSource::Url { url: place.url(), sha256: Some(pinned.clone()) }, None);
    let error = place.fetcher.fetch_model(&card).unwrap_err().to_string();
    assert!(error.contains(&pinned) && error.contains(&hash::sha256_of_bytes(b"something else")), "{error}");
    assert!(!place.fetcher.store.path("yolox_nano.onnx").exists());
    assert!(!place.cached("url-yolox_nano.onnx.part").exists());
}

#[test]
fn a_partial_download_is_continued_and_a_spoilt_one_begun_anew() {
    for partial in [&b"weig"[..], b"XXXX", b"weights and more"] {
        let place = place(b"weights");
        fs::create_dir_all(place.dir.path().join("store/cache")).unwrap();
        fs::write(place.cached("url-yolox_nano.onnx.part"), partial).unwrap();
        let hash = hash::sha256_of_bytes(b"weights");
        let card = card(WeightSource::Url { url: place.url(), sha256: Some(hash) }, None);
        let path = place.fetcher.fetch_model(&card).unwrap();
        assert_eq!(fs::read(path).unwrap(), b"weights", "after {partial:?}");
    }
}

#[test]
fn an_address_that_answers_nothing_is_an_error_that_quotes_curl() {
    let place = place(b"");
    let url = format!("file://{}", place.dir.path().join("none.onnx").display());
    let error =
        place.fetcher.fetch_model(&card(WeightSource::Url { url, sha256: None }, None)).unwrap_err().to_string();
    assert!(error.contains("curl"), "{error}");
}

#[test]
fn a_file_at_hand_is_checked_and_copied() {
    let place = place(b"weights");
    let path = place.dir.path().join("served.onnx").display().to_string();
    let wrong = card(WeightSource::File { path: path.clone() }, Some("00".repeat(32)));
    assert!(matches!(place.fetcher.fetch_model(&wrong), Err(FetchError::Hash { .. })));
    let right = card(WeightSource::File { path }, Some(hash::sha256_of_bytes(b"weights")));
    assert_eq!(fs::read(place.fetcher.fetch_model(&right).unwrap()).unwrap(), b"weights");
}
