//! What sensors measured, as a file in their place for a replay: one JSON object a line, `{"sensor": "fume", "at_s": 12.5,
//! "value": 2.3}`, the time in seconds of the clips.

use std::collections::VecDeque;
use std::path::Path;

use forewarn_domain::{SensorId, Timestamp};
use serde::Deserialize;

/// Values in the order of their times.
#[derive(Debug, Default)]
pub struct SensorLog(VecDeque<(Timestamp, SensorId, f64)>);

/// A file of values cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SensorLogError {
    /// The file.
    #[error("failed to read {path}: {source}")]
    Unreadable {
        /// The file's path.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// One line.
    #[error(
        "{path}, line {line}: {reason}; write {{\"sensor\": \"fume\", \"at_s\": 12.5, \"value\": 2.3}}, one a line"
    )]
    BadLine {
        /// The file's path.
        path: String,
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    sensor: SensorId,
    at_s: f64,
    value: f64,
}

impl SensorLog {
    /// Reads a file. Empty lines are passed over; values of one time keep the order of the file.
    pub fn read(path: &Path) -> Result<Self, SensorLogError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| SensorLogError::Unreadable { path: name.clone(), source })?;
        Self::parse(&text).map_err(|(line, reason)| SensorLogError::BadLine { path: name, line, reason })
    }

    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut values = Vec::new();
        for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let Line { sensor, at_s, value } =
                serde_json::from_str(line).map_err(|error| (i + 1, error.to_string()))?;
            values.push((Timestamp::from_secs_f64(at_s), sensor, value));
        }
        values.sort_by_key(|(at, ..)| *at);
        Ok(Self(values.into()))
    }

    /// When the next value was measured.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.0.front().map(|(at, ..)| *at)
    }

    /// The next value.
    pub fn pop(&mut self) -> Option<(SensorId, f64)> {
        self.0.pop_front().map(|(_, sensor, value)| (sensor, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_in_the_order_of_time_and_mistakes_are_named() {
        let text = "{\"sensor\":\"fume\",\"at_s\":2,\"value\":3}\n\n{\"sensor\":\"dust\",\"at_s\":1,\"value\":4}\n";
        let mut log = SensorLog::parse(text).unwrap();
        assert_eq!(log.next_at(), Some(Timestamp::from_secs_f64(1.0)));
        assert_eq!(log.pop().map(|(id, value)| (id.to_string(), value)), Some(("dust".to_owned(), 4.0)));
        assert_eq!(log.pop().map(|(id, _)| id.to_string()), Some("fume".to_owned()));
        assert_eq!(log.next_at(), None);
        assert_eq!(SensorLog::parse("{}").unwrap_err().0, 1);
        assert_eq!(SensorLog::parse("\n{\"sensor\":\"a b\",\"at_s\":2,\"value\":3}").unwrap_err().0, 2);
    }
}
