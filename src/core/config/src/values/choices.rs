//! A few values of a closed set, in order of preference.

use crate::problem::Fault;

/// At least one value and none twice; the order is the operator's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices<T>(Vec<T>);

impl<T: Copy + PartialEq> Choices<T> {
    /// The only choice.
    #[must_use]
    pub fn only(value: T) -> Self {
        Self(vec![value])
    }

    /// Every value of a set, in the set's own order.
    pub(crate) fn all(set: &[T]) -> Self {
        Self(set.to_vec())
    }

    /// The values in order of preference; never empty.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// Whether the operator chose this value.
    #[must_use]
    pub fn contains(&self, value: T) -> bool {
        self.0.contains(&value)
    }

    pub(crate) fn new(values: Vec<T>) -> Result<Self, Fault> {
        if values.is_empty() {
            return Err(Fault::new("must not be empty").hint("name at least one, or leave the key out"));
        }
        let repeated = (1..values.len()).any(|i| values[..i].contains(&values[i]));
        if repeated {
            return Err(Fault::new("names a value twice").hint("name each value once"));
        }
        Ok(Self(values))
    }
}
