//! A value as it is to stand in the file.

use std::str::FromStr;

use toml_edit::{Document, Key, Value};

use super::EditError;

/// The text of one value, correct by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewValue(String);

const KEY: &str = "value = ";

impl NewValue {
    /// What an operator types: a value, or a plain word such as `zh` or `rtsp://10.0.0.5/1`, which is a text.
    pub fn typed(text: &str) -> Result<Self, EditError> {
        let is_plain = !text.trim_start().starts_with(['[', '{', '"', '\'']);
        match text.parse() {
            Err(_) if is_plain && !text.chars().any(char::is_control) => Ok(Self::text(text)),
            parsed => parsed,
        }
    }

    /// A text.
    pub(super) fn text(text: &str) -> Self {
        Self(toml::Value::from(text).to_string())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The entries as `key = value` each, if this is a table.
    pub(super) fn entries(&self) -> Option<Vec<String>> {
        let text = format!("{KEY}{}", self.0);
        let document = Document::parse(text.as_str()).ok()?;
        let table = document.get("value")?.as_inline_table()?;
        let line = |(keys, value): (Vec<&Key>, &Value)| {
            let names: Option<Vec<&str>> = keys.iter().map(|key| text.get(key.span()?)).collect();
            Some(format!("{} = {}", names?.join("."), text.get(value.span()?)?))
        };
        table.get_values().into_iter().map(line).collect()
    }
}

impl FromStr for NewValue {
    type Err = EditError;

    fn from_str(text: &str) -> Result<Self, EditError> {
        let error =
            |problem: &str| EditError::Value { text: text.to_owned(), problem: problem.trim().replace('\n', " ") };
        let written = format!("{KEY}{}", text.trim());
        let document = Document::parse(written.as_str()).map_err(|parse| error(parse.message()))?;
        let value = document.get("value").and_then(|item| item.as_value()).and_then(Value::span);
        if document.as_table().len() != 1 || value != Some(KEY.len()..written.len()) {
            return Err(error("there is more than one value"));
        }
        Ok(Self(text.trim().to_owned()))
    }
}
