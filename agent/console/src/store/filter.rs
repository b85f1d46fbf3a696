//! What somebody looks for, as SQL. Pure.

use rusqlite::types::Value;

/// Where a page ends, so that the next one goes on there: when its last incident began, and which one it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub opened_us: i64,
    pub id: String,
}

impl Cursor {
    /// As it stands in an address.
    pub(crate) fn to_text(&self) -> String {
        format!("{}.{}", self.opened_us, self.id)
    }

    /// As it was read from an address.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (opened_us, id) = text.split_once('.')?;
        Some(Self { opened_us: opened_us.parse().ok()?, id: id.to_owned() })
    }
}

/// What can become of an incident.
const OUTCOMES: [&str; 4] = ["complied", "escalated", "lost", "over"];

/// What operators said of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judged {
    /// Nothing.
    Not,
    /// It was what it was reported as.
    True,
    /// It was not.
    FalseAlarm,
}

/// What is looked for; what is none may be anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub violation: Option<String>,
    pub camera: Option<String>,
    /// It is of one of these cameras, whatever else is looked for.
    pub cameras: Option<Vec<String>>,
    pub zone: Option<String>,
    /// A state that it is in, or what became of it.
    pub state: Option<String>,
    pub judged: Option<Judged>,
    /// It began then or later.
    pub from_us: Option<i64>,
    /// It began before that.
    pub to_us: Option<i64>,
    /// This stands in its text.
    pub text: Option<String>,
    /// It comes behind this one.
    pub after: Option<Cursor>,
}

impl Filter {
    /// What an index of each three letters knows of the words that are looked for: whoever has a word fits its pattern, and so may
    /// another.
    pub(crate) fn long_words(&self) -> impl Iterator<Item = String> {
        let words = self.text.iter().flat_map(|text| text.split_whitespace());
        words.filter(|word| word.chars().count() >= 3).map(|word| format!("%{}%", word.to_lowercase()))
    }

    /// The condition, and what is put in the places of its question marks.
    pub(crate) fn sql(&self) -> (String, Vec<Value>) {
        let (mut clauses, mut values) = (Vec::new(), Vec::new());
        let mut is = |clause: &str, of: Vec<Value>| {
            clauses.push(clause.to_owned());
            values.extend(of);
        };
        let equal = [("violation", &self.violation), ("camera", &self.camera), ("zone", &self.zone)];
        for (column, wanted) in equal {
            if let Some(wanted) = wanted {
                is(&format!("{column} = ?"), vec![wanted.clone().into()]);
            }
        }
        if let Some(cameras) = &self.cameras {
            let places = vec!["?"; cameras.len()].join(", ");
            is(&format!("camera IN ({places})"), cameras.iter().cloned().map(Value::from).collect());
        }
        match self.state.as_deref() {
            None => {}
            Some("open") => is("is_open = 1", Vec::new()),
            // What became of an incident is what people ask for, and has an index.
            Some(outcome) if OUTCOMES.contains(&outcome) => is("outcome = ?", vec![outcome.to_owned().into()]),
            Some(state) => is("state = ?", vec![state.to_owned().into()]),
        }
        match self.judged {
            None => {}
            Some(Judged::Not) => is("opinion IS NULL", Vec::new()),
            Some(Judged::True) => is("opinion = 'true'", Vec::new()),
            Some(Judged::FalseAlarm) => is("opinion = 'false_alarm'", Vec::new()),
        }
        if let Some(from) = self.from_us {
            is("opened_us >= ?", vec![from.into()]);
        }
        if let Some(to) = self.to_us {
            is("opened_us < ?", vec![to.into()]);
        }
        for word in self.text.iter().flat_map(|text| text.split_whitespace()) {
            let escaped = word.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            is("words LIKE ? ESCAPE '\\'", vec![format!("%{escaped}%").into()]);
        }
        if let Some(Cursor { opened_us, id }) = &self.after {
            is("(opened_us, id) < (?, ?)", vec![(*opened_us).into(), id.clone().into()]);
        }
        let condition = if clauses.is_empty() { String::new() } else { format!("WHERE {}", clauses.join(" AND ")) };
        (condition, values)
    }
}
