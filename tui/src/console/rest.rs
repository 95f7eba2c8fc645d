//! What the cursor rests on: more is asked about it then, and not about whatever the cursor runs by.

/// What is meant, and for how many ticks it has been.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    meant: Option<String>,
    ticks: u32,
}

impl Rest {
    /// Another tick, at which this is meant. Whether to ask about it: once it has rested, and then again after so many ticks each.
    pub(crate) fn ticked(&mut self, meant: Option<&str>, again: u32) -> bool {
        if self.meant.as_deref() != meant {
            *self = Self { meant: meant.map(str::to_owned), ticks: 0 };
            return false;
        }
        let is_time = self.ticks.is_multiple_of(again.max(1));
        self.ticks = self.ticks.saturating_add(1);
        is_time && self.meant.is_some()
    }

    /// The ticks for which it has been meant without another one between.
    pub(crate) fn ticks(&self) -> u32 {
        self.ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_cursor_runs_by_is_not_asked_about_and_what_it_rests_on_again_and_again() {
        let mut rest = Rest::default();
        let asked: Vec<bool> =
            ["a", "b", "c", "c", "c", "c", "c", "d"].map(|meant| rest.ticked(Some(meant), 2)).to_vec();
        assert_eq!(asked, [false, false, false, true, false, true, false, false]);
        assert!(!rest.ticked(None, 2) && !rest.ticked(None, 2));
    }
}
