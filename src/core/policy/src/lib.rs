//! Changes to the operator's files that leave everything else in them as it was written: comments, order and spacing.
//!
//! A [`Document`] is edited rule by rule; two of them are [compared](compare()) and three of them [merged](Merge) by what
//! they say. Whether what they say is right is for `config` to judge, and who may go where for `acl`: this crate only
//! knows that rules belong to owners and consist of keys. Files without rules are [sheets](Sheet): tables with names, and keys.

mod compare;
mod document;
mod edit;
mod entry;
mod layout;
mod merge;
mod outline;
mod pairing;
mod place;
mod sheet;

pub use compare::{Change, Kind, compare, text_difference};
pub use document::{Document, Misfit, Syntax};
pub use edit::Edit;
pub use entry::{Entry, Unwritable};
pub use merge::{Item, Merge, Pick, SheetMerge, Side, State, Undecided, Unsettled, settled};
pub use outline::{Outline, Share};
pub use place::{Owner, Place, Unreadable};
pub use sheet::{ConfigurationEdit, Limits, Misuse, Rate, Sheet, Target, TestEdit, UserEdit, compare_tables};
