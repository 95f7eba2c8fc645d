//! Takes fields off the front of a byte slice and remembers how far it came.
//!
//! Knows nothing of what the fields mean; that a field is not there yet is its only complaint.

#[derive(Debug)]
pub(crate) struct Reader<'a> {
    input: &'a [u8],
    at: usize,
}

/// The input ends before the field does.
#[derive(Debug)]
pub(crate) struct Short;

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0 }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Short> {
        self.array().map(|[byte]| byte)
    }

    /// A 16-bit number in network byte order.
    pub(crate) fn number(&mut self) -> Result<u16, Short> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        let (field, _) = self.rest().split_first_chunk().ok_or(Short)?;
        self.at += N;
        Ok(*field)
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Short> {
        let (field, _) = self.rest().split_at_checked(length).ok_or(Short)?;
        self.at += length;
        Ok(field)
    }

    /// A field that its own length byte announces.
    pub(crate) fn counted(&mut self) -> Result<&'a [u8], Short> {
        let length = self.byte()?;
        self.take(usize::from(length))
    }

    pub(crate) fn consumed(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.input[self.at..]
    }
}
