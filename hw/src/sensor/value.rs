//! From what a sensor sends to a number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json_path::JsonPath;

use super::error::ReadError;

/// How a number is written in registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// One register.
    #[default]
    U16,
    /// One register, two's complement.
    I16,
    /// Two registers.
    U32,
    /// Two registers, two's complement.
    I32,
    /// Two registers, IEEE 754.
    F32,
}

/// Which register of two holds the high word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WordOrder {
    /// The first.
    #[default]
    HighFirst,
    /// The second.
    LowFirst,
}

/// What a reading is multiplied with, and what is then added.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scaling {
    pub(super) scale: f64,
    pub(super) offset: f64,
}

impl Scaling {
    /// The value of a reading; what is no finite number is refused.
    pub(super) fn apply(self, raw: f64) -> Result<f64, ReadError> {
        let value = raw * self.scale + self.offset;
        if value.is_finite() { Ok(value) } else { Err(no_number(format!("{value} is no finite number"))) }
    }
}

fn no_number(why: impl Into<String>) -> ReadError {
    ReadError::NoNumber { why: why.into() }
}

/// The number in a message: the one that `path` leads to, or else the message itself.
pub(super) fn of_payload(payload: &[u8], path: Option<&JsonPath>) -> Result<f64, ReadError> {
    let text = std::str::from_utf8(payload).map_err(|_| no_number("the message is not UTF-8"))?;
    let Some(path) = path else {
        return of_text(unquoted(text))
            .ok_or_else(|| no_number(format!("the message is {}; set `path`?", shown(text))));
    };
    let message: Value =
        serde_json::from_str(text).map_err(|error| no_number(format!("the message is no JSON: {error}")))?;
    let found = path.query(&message).all();
    match found.as_slice() {
        [Value::Number(number)] => number.as_f64().ok_or_else(|| no_number(format!("{number} is out of range"))),
        // Gateways write numbers as texts, too.
        [Value::String(text)] => of_text(text).ok_or_else(|| no_number(format!("`path` leads to {}", shown(text)))),
        [other] => Err(no_number(format!("`path` leads to {}", shown(&other.to_string())))),
        [] => Err(no_number(format!("`path` leads to nothing in {}", shown(text)))),
        more => Err(no_number(format!("`path` leads to {} values; it must lead to one", more.len()))),
    }
}

/// A message that is a text of JSON, without its quotes.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

fn of_text(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

/// The beginning of a message, as it may stand in the log.
fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut start: String = text.chars().take(MOST).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    format!("{start:?}")
}

/// How many registers a value takes.
pub(super) fn registers(value: ValueType) -> u16 {
    match value {
        ValueType::U16 | ValueType::I16 => 1,
        ValueType::U32 | ValueType::I32 | ValueType::F32 => 2,
    }
}

/// The number in registers.
pub(super) fn of_registers(words: &[u16], value: ValueType, order: WordOrder) -> Result<f64, ReadError> {
    let pair = |first: u16, second: u16| {
        let (high, low) = match order {
            WordOrder::HighFirst => (first, second),
            WordOrder::LowFirst => (second, first),
        };
        u32::from(high) << 16 | u32::from(low)
    };
    match (value, words) {
        (ValueType::U16, [word]) => Ok(f64::from(*word)),
        (ValueType::I16, [word]) => Ok(f64::from(word.cast_signed())),
        (ValueType::U32, [first, second]) => Ok(f64::from(pair(*first, *second))),
        (ValueType::I32, [first, second]) => Ok(f64::from(pair(*first, *second).cast_signed())),
        (ValueType::F32, [first, second]) => Ok(f64::from(f32::from_bits(pair(*first, *second)))),
        _ => Err(no_number(format!("the device answered with {} registers", words.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &str, path: Option<&str>) -> Result<f64, String> {
        let path = path.map(|path| JsonPath::parse(path).unwrap());
        of_payload(payload.as_bytes(), path.as_ref()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_message_is_a_number_or_holds_one_where_the_path_leads() {
        assert_eq!(read(" 3.25\n", None), Ok(3.25));
        assert_eq!(read("-1e3", None), Ok(-1000.0));
        assert_eq!(read("\"7.5\"\n", None), Ok(7.5));
        assert_eq!(read(r#"{"data":{"pm25":35}}"#, Some("$.data.pm25")), Ok(35.0));
        assert_eq!(read(r#"{"data":{"pm25":"35.5"}}"#, Some("$.data.pm25")), Ok(35.5));
        assert_eq!(read(r#"{"s":[{"id":"a","v":1},{"id":"b","v":2}]}"#, Some("$.s[?@.id=='b'].v")), Ok(2.0));
        assert_eq!(read(r#"{"s":[1,2,3]}"#, Some("$.s[-1]")), Ok(3.0));
    }

    #[test]
    fn what_is_no_number_is_refused_and_told_what_came() {
        for (payload, path, says) in [
            ("offline", None, "the message is \"offline\""),
            ("", None, "set `path`"),
            ("\"", None, "set `path`"),
            (r#"{"pm25":1}"#, Some("$.pm10"), "leads to nothing in \"{\\\"pm25\\\":1}\""),
            (r#"{"v":[1,2]}"#, Some("$.v[*]"), "leads to 2 values"),
            (r#"{"v":null}"#, Some("$.v"), "leads to \"null\""),
            (r#"{"v":true}"#, Some("$.v"), "leads to \"true\""),
            (r#"{"v":"n/a"}"#, Some("$.v"), "leads to \"n/a\""),
            (r#"{"v":"#, Some("$.v"), "no JSON"),
        ] {
            let error = read(payload, path).unwrap_err();
            assert!(error.contains(says), "{payload}: {error}");
        }
        assert!(of_payload(&[0xff, 0xfe], None).is_err());
        let long = read(&"x".repeat(10_000), None).unwrap_err();
        assert!(long.len() < 200, "{long}");
        assert!(of_payload("[".repeat(100_000).as_bytes(), Some(&JsonPath::parse("$..v").unwrap())).is_err());
    }

    #[test]
    fn values_that_are_not_finite_are_refused() {
        let scaling = Scaling { scale: 0.1, offset: -4.0 };
        assert!((scaling.apply(120.0).unwrap() - 8.0).abs() < 1e-12);
        for raw in [read("nan", None).unwrap(), read("inf", None).unwrap(), f64::MIN] {
            assert!(Scaling { scale: 10.0, offset: 0.0 }.apply(raw).is_err(), "{raw}");
        }
        let nan = of_registers(&[0x7fc0, 0], ValueType::F32, WordOrder::HighFirst).unwrap();
        assert!(scaling.apply(nan).is_err());
    }

    #[test]
    fn registers_are_read_by_type_and_word_order() {
        use WordOrder::{HighFirst, LowFirst};
        let read = |words: &[u16], value, order| of_registers(words, value, order).unwrap();
        assert_eq!(read(&[0xffff], ValueType::U16, HighFirst), 65535.0);
        assert_eq!(read(&[0xffff], ValueType::I16, HighFirst), -1.0);
        assert_eq!(read(&[1, 2], ValueType::U32, HighFirst), 65538.0);
        assert_eq!(read(&[1, 2], ValueType::U32, LowFirst), 131_073.0);
        assert_eq!(read(&[0xffff, 0xfffe], ValueType::I32, HighFirst), -2.0);
        // 2.5 is 0x40200000 in IEEE 754.
        assert_eq!(read(&[0x4020, 0], ValueType::F32, HighFirst), 2.5);
        assert_eq!(read(&[0, 0x4020], ValueType::F32, LowFirst), 2.5);
        for value in [ValueType::U16, ValueType::I16, ValueType::U32, ValueType::I32, ValueType::F32] {
            let n = usize::from(registers(value));
            assert!(of_registers(&vec![0; n], value, HighFirst).is_ok());
            assert!(of_registers(&vec![0; n + 1], value, HighFirst).is_err());
            assert!(of_registers(&[], value, HighFirst).is_err());
        }
    }
}
