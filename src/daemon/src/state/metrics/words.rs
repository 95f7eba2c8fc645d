//! One counter for each word of a closed set, found without a lock.

use prometheus::{IntCounter, IntCounterVec};

#[derive(Debug)]
pub(crate) struct Words {
    known: Vec<(&'static str, IntCounter)>,
    all: IntCounterVec,
}

impl Words {
    /// The family has one label.
    pub(super) fn new(all: IntCounterVec, words: impl IntoIterator<Item = &'static str>) -> Self {
        let known = words.into_iter().map(|word| (word, all.with_label_values(&[word]))).collect();
        Self { known, all }
    }

    /// Counts one more; a word that nobody announced begins with it.
    pub(crate) fn count(&self, word: &'static str) {
        match self.known.iter().find(|(known, _)| *known == word) {
            Some((_, counter)) => counter.inc(),
            None => self.all.with_label_values(&[word]).inc(),
        }
    }

    /// How often this word was counted.
    pub(crate) fn total(&self, word: &str) -> u64 {
        self.known.iter().find(|(known, _)| *known == word).map_or(0, |(_, counter)| counter.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::Opts;

    #[test]
    fn a_word_is_counted_whether_it_was_announced_or_not() {
        let all = IntCounterVec::new(Opts::new("words_total", "Words."), &["word"]).unwrap();
        let words = Words::new(all.clone(), ["a", "b"]);
        for word in ["b", "c", "b"] {
            words.count(word);
        }
        assert_eq!(["a", "b", "c"].map(|word| all.with_label_values(&[word]).get()), [0, 2, 1]);
    }
}
