//! From the bytes of a text to its lines and columns.

/// Where each line of a text begins, so that a place in a large file is found at once.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The line that holds this byte, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// The line and the character in it, both from 1.
    pub(crate) fn place(&self, offset: usize) -> (usize, usize) {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.line(offset);
        let before = &self.text[self.starts[line - 1]..offset];
        (line, before.chars().count() + 1)
    }

    /// The text of the line that holds this byte.
    pub(crate) fn text_at(&self, offset: usize) -> &'a str {
        let line = self.line(offset);
        self.text[self.starts[line - 1]..].lines().next().unwrap_or_default()
    }
}
