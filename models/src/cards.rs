//! The model cards that ship with the agent.

use crate::card::{Card, CardError};

/// Name and TOML text of each built-in card; the first is the default detector.
pub const BUILTIN: &[(&str, &str)] = &[
    ("site-nano-416", include_str!("../cards/site-nano-416.toml")),
    ("nanodet-g-416", include_str!("../cards/nanodet-g-416.toml")),
    ("nanodet-g-416-int8", include_str!("../cards/nanodet-g-416-int8.toml")),
    ("nanodet-g-416-fp16", include_str!("../cards/nanodet-g-416-fp16.toml")),
    ("yolox-nano", include_str!("../cards/yolox-nano.toml")),
    ("yolox-tiny", include_str!("../cards/yolox-tiny.toml")),
    ("yolox-s", include_str!("../cards/yolox-s.toml")),
    ("yolox-m", include_str!("../cards/yolox-m.toml")),
    ("ssd-mobilenet-v2", include_str!("../cards/ssd-mobilenet-v2.toml")),
    ("centerface", include_str!("../cards/centerface.toml")),
    ("blazeface-long", include_str!("../cards/blazeface-long.toml")),
    ("yunet", include_str!("../cards/yunet.toml")),
    ("aizoo-face-mask", include_str!("../cards/aizoo-face-mask.toml")),
    ("movenet-lightning", include_str!("../cards/movenet-lightning.toml")),
    ("clp-detector", include_str!("../cards/clp-detector.toml")),
    ("clp-reader", include_str!("../cards/clp-reader.toml")),
    ("dust-mask", include_str!("../cards/dust-mask.toml")),
    ("hard-hat", include_str!("../cards/hard-hat.toml")),
];

/// Name of the detector that is used where nobody chose one.
pub const DEFAULT_DETECTOR: &str = "site-nano-416";

/// The built-in card of that name.
pub fn builtin(name: &str) -> Result<Card, CardError> {
    let Some((_, text)) = BUILTIN.iter().find(|(known, _)| *known == name) else {
        let known = BUILTIN.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
        return Err(CardError::Unknown { name: name.to_owned(), known });
    };
    Card::from_toml(text)
}
