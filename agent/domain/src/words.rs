//! What people call classes and attributes, whose names are those of models and files.

use crate::violation::Language;

/// What people call something in a language; its name where that language has no word for it here.
pub fn in_language(name: &str, language: Language) -> &str {
    match language {
        Language::En => name,
        Language::Zh => in_chinese(name).unwrap_or(name),
    }
}

/// The words for whom and what rules are about, and for what looks and sensors tell of them.
fn in_chinese(name: &str) -> Option<&'static str> {
    Some(match name {
        "person" => "人员",
        "bicycle" => "自行车",
        "car" => "汽车",
        "motorcycle" => "摩托车",
        "bus" => "公交车",
        "train" => "火车",
        "truck" => "卡车",
        "boat" => "船",
        "dog" => "狗",
        "cat" => "猫",
        "bird" => "鸟",
        "backpack" => "背包",
        "handbag" => "手提包",
        "suitcase" => "行李箱",
        "umbrella" => "雨伞",
        "bottle" => "瓶子",
        "chair" => "椅子",
        "head" => "头部",
        "head_in_hard_hat" => "戴安全帽的头部",
        "new_object" => "新出现的物体",
        "falling_object" => "坠落物",
        "sensor" => "传感器",
        "dust_mask" => "口罩",
        "hard_hat" => "安全帽",
        "plate" => "车牌",
        "signs" => "迹象",
        "brought_by" => "携带者",
        "fell_from" => "坠落处",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_word_goes_by_its_name() {
        assert_eq!((in_language("person", Language::Zh), in_language("person", Language::En)), ("人员", "person"));
        assert_eq!(in_language("drone_17", Language::Zh), "drone_17");
    }
}
