//! Weights that are part of the program: what this project trained itself, small enough to embed.

/// File name under `models/weights/` and content of each.
const SHIPPED: &[(&str, &[u8])] = &[
    ("dust-mask.onnx", include_bytes!("../weights/dust-mask.onnx")),
    ("hard-hat.onnx", include_bytes!("../weights/hard-hat.onnx")),
    ("site-nano-416.onnx", include_bytes!("../weights/site-nano-416.onnx")),
];

/// The content of a shipped file.
pub(crate) fn bytes(file: &str) -> Option<&'static [u8]> {
    SHIPPED.iter().find(|(name, _)| *name == file).map(|(_, bytes)| *bytes)
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
            let content = bytes(file).unwrap_or_else(|| panic!("{name}: {file} is not part of the program"));
            assert_eq!(card.weights.sha256, Some(sha256_of_bytes(content)), "{name}");
            assert!(content.len() <= MOST_BYTES, "{name} has {} bytes", content.len());
            assert!(card.crop.is_some() == card.answer.is_some() && !card.accuracy.is_empty(), "{name}");
            used.push(file.clone());
        }
        used.sort();
        assert_eq!(used, SHIPPED.iter().map(|(file, _)| (*file).to_owned()).collect::<Vec<_>>());
    }
}
