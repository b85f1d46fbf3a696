//! Canonical JSON (RFC 8785): keys in order, no space, numbers as ECMAScript writes them.

use serde::Serialize;

/// The one spelling of a value.
pub fn canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_jcs::to_vec(value)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_examples_of_the_standard_have_their_spelling() {
        // RFC 8785, sections 3.2.2 and 3.2.3.
        let value: Value = serde_json::from_str(
            r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
                "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
        )
        .unwrap();
        let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
                        \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(String::from_utf8(canonical(&value).unwrap()).unwrap(), expected);
        // By UTF-16 code units, in which the smiley comes before the ligature.
        let keys = json!({"\u{fb33}": 1, "\u{1f600}": 2, "\u{20ac}": 3, "1": 4, "\r": 5});
        let spelt = String::from_utf8(canonical(&keys).unwrap()).unwrap();
        assert_eq!(spelt, "{\"\\r\":5,\"1\":4,\"\u{20ac}\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}");
    }

    #[test]
    fn what_is_spelt_is_read_back_and_spelt_the_same() {
        let value =
            json!({"b": [1.5, -0.0, 1_769_839_387.25], "a": {"z": "ü\u{7}", "y": null}, "n": 18_014_398_509u64});
        let spelt = canonical(&value).unwrap();
        let read: Value = serde_json::from_slice(&spelt).unwrap();
        assert_eq!(canonical(&read).unwrap(), spelt);
    }
}
