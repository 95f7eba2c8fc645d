//! Changes to a rule file that leave everything else in it as it was written: comments, order and spacing.
//!
//! A [`Document`] is edited rule by rule; two of them are [compared](compare()) and three of them [merged](Merge) by what
//! they say. Whether what they say is right is for `config` to judge, and who may go where for `acl`: this crate only
//! knows that rules belong to owners and consist of keys.

mod compare;
mod document;
mod edit;
mod entry;
mod layout;
mod merge;
mod outline;
mod pairing;
mod place;

pub use compare::{Change, Kind, compare, text_difference};
pub use document::{Document, Misfit, Syntax};
pub use edit::Edit;
pub use entry::{Entry, Unwritable};
pub use merge::{Item, Merge, Pick, Side, State, Undecided};
pub use outline::{Outline, Share};
pub use place::{Owner, Place, Unreadable};
