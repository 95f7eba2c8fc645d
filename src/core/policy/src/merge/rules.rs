//! The rules of one owner who has a table on both sides.

use super::{Item, Subject, state};
use crate::entry::Entry;
use crate::pairing::Pairing;
use crate::place::Owner;

pub(super) fn merge(owner: &Owner, base: &[Entry], mine: &[Entry], theirs: &[Entry], items: &mut Vec<Item>) {
    let (my, their) = (Pairing::of(base, mine), Pairing::of(base, theirs));
    for (index, entry) in base.iter().enumerate() {
        let (my, their) = (my.now[index], their.now[index]);
        let subject = match their {
            Some(there) => Subject::There(owner.clone(), there),
            None => Subject::NotThere(owner.clone(), None),
        };
        let (mine, theirs) = (my.map(|my| &mine[my]), their.map(|their| &theirs[their]));
        items.extend(item(owner, index, Some(entry), mine, theirs, subject));
    }
    let added_by_both = |rule: &Entry| their.added.iter().find(|their| theirs[**their] == *rule);
    for there in &their.added {
        let subject = Subject::There(owner.clone(), *there);
        let mine = my.added.iter().map(|index| &mine[*index]).find(|rule| **rule == theirs[*there]);
        items.extend(item(owner, *there, None, mine, Some(&theirs[*there]), subject));
    }
    for index in &my.added {
        if added_by_both(&mine[*index]).is_none() {
            let next = follower(*index, &my, &their);
            let subject = Subject::NotThere(owner.clone(), next);
            items.extend(item(owner, *index, None, Some(&mine[*index]), None, subject));
        }
    }
}

/// Where in their version the rule is that comes behind a new one of mine.
fn follower(index: usize, my: &Pairing, their: &Pairing) -> Option<usize> {
    let behind = my.now.iter().enumerate().filter(|(_, now)| now.is_some_and(|now| now > index));
    let (next, _) = behind.min_by_key(|(_, now)| **now)?;
    their.now[next]
}

fn item(
    owner: &Owner,
    index: usize,
    base: Option<&Entry>,
    mine: Option<&Entry>,
    theirs: Option<&Entry>,
    subject: Subject,
) -> Option<Item> {
    let state = state(base, mine, theirs)?;
    let place = Some(owner.rule(index));
    let [base, mine, theirs] = [base, mine, theirs].map(Option::<&Entry>::cloned);
    Some(Item { owner: owner.to_string(), place, state, base, mine, theirs, subject })
}
