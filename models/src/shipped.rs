//! Weights that are part of the program: what this project trained itself, small enough to embed. They are packed in it.

use std::io::{self, Read as _};

use flate2::read::GzDecoder;

/// File name under `models/weights/` and packed content of each.
const SHIPPED: &[(&str, &[u8])] = &[
    ("dust-mask.onnx", include_bytes!(concat!(env!("OUT_DIR"), "/dust-mask.onnx.gz"))),
    ("hard-hat.onnx", include_bytes!(concat!(env!("OUT_DIR"), "/hard-hat.onnx.gz"))),
    ("site-nano-416.onnx", include_bytes!(concat!(env!("OUT_DIR"), "/site-nano-416.onnx.gz"))),
];

/// The content of a shipped file; none where no file of this name is shipped.
pub(crate) fn bytes(file: &str) -> Option<io::Result<Vec<u8>>> {
    let (_, packed) = SHIPPED.iter().find(|(name, _)| *name == file)?;
    let mut content = Vec::new();
    Some(GzDecoder::new(*packed).read_to_end(&mut content).map(|_| content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::WeightSource;
    use crate::cards;
    use forewarn_base::hash::sha256_of_bytes;

    /// What a shipped file may weigh, since it is in every copy of the program.
    const MOST_BYTES: usize = 3 << 20;

    #[test]
    fn each_shipped_file_is_the_one_that_its_card_means() {
        let mut used = Vec::new();
        for (name, _) in cards::BUILTIN {
            let card = cards::builtin(name).unwrap();
            let WeightSource::Shipped { file } = &card.source else { continue };
            let content = bytes(file).unwrap_or_else(|| panic!("{name}: {file} is not part of the program")).unwrap();
            assert_eq!(card.weights.sha256, Some(sha256_of_bytes(&content)), "{name}");
            assert!(content.len() <= MOST_BYTES, "{name} has {} bytes", content.len());
            assert!(card.crop.is_some() == card.answer.is_some() && !card.accuracy.is_empty(), "{name}");
            used.push(file.clone());
        }
        used.sort();
        assert_eq!(used, SHIPPED.iter().map(|(file, _)| (*file).to_owned()).collect::<Vec<_>>());
    }
}
