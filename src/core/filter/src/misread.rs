//! Where a text stops making sense, and what was probably meant.

/// A filter that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}{}", .hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default())]
pub struct Misread {
    /// In characters, from 1.
    pub column: usize,
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

/// A misread whose place is known as a byte of the text; [`Slip::in_text`] makes it one that people can count.
#[derive(Debug)]
pub(crate) struct Slip {
    pub(crate) at: usize,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Slip {
    pub(crate) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn in_text(self, text: &str) -> Misread {
        let column = text.char_indices().take_while(|(at, _)| *at < self.at).count() + 1;
        Misread { column, message: self.message, hint: self.hint }
    }
}

/// `did you mean "x"?`, or the whole list when nothing comes close.
pub(crate) fn proposal(written: &str, known: impl Iterator<Item = &'static str> + Clone) -> String {
    let likeness = |candidate: &str| strsim::jaro_winkler(&written.to_ascii_lowercase(), candidate);
    let nearest = known.clone().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest.filter(|candidate| likeness(candidate) > 0.8) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("there are {}", known.collect::<Vec<_>>().join(", ")),
    }
}
