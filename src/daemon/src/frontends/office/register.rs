//! Everybody who is known without being in, in the order of their names: made once for all who look, and kept as long as somebody does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Office;
use super::people::{People, Person};
use crate::engine::history::archive::day::{Day, Days};
use crate::state::session::facts::ANONYMOUS;
use crate::state::users::Users;

/// After so long without a look nothing is kept: there may be fifty thousand.
const KEPT: Duration = Duration::from_secs(10);

/// One list for those who may see whole addresses, and one for those who may not.
#[derive(Debug, Default)]
pub(crate) struct Register(Mutex<[Option<Page>; 2]>);

/// What was made of one users file and of the days that were known.
#[derive(Debug)]
struct Page {
    users: Arc<Users>,
    days: Option<Arc<Days>>,
    /// It holds from then on, until the first one's time is over.
    holds: (Timestamp, Timestamp),
    used: Instant,
    people: Arc<People>,
}

impl Register {
    /// Keeps what was used lately.
    pub(crate) fn tidy(&self) {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten = pages.each_mut().map(|page| page.take_if(|page| page.used.elapsed() >= KEPT));
        drop(pages);
        drop(forgotten);
    }
}

impl Page {
    fn is_of(&self, users: &Arc<Users>, days: Option<&Arc<Days>>, now: Timestamp) -> bool {
        let are_same = match (&self.days, days) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        are_same && Arc::ptr_eq(&self.users, users) && (self.holds.0..self.holds.1).contains(&now)
    }
}

impl Office {
    /// Everybody as if nobody were in: those of the users file, and names of which the days know.
    pub(super) fn known(&self, is_masked: bool, days: Option<&Arc<Days>>) -> Arc<People> {
        let (users, now) = (Arc::clone(&self.world.regime().snapshot.users), Timestamp::now());
        let mut pages = self.register.0.lock().unwrap_or_else(PoisonError::into_inner);
        let page = &mut pages[usize::from(is_masked)];
        if let Some(page) = page.as_mut().filter(|page| page.is_of(&users, days, now)) {
            page.used = Instant::now();
            return Arc::clone(&page.people);
        }
        let people = Arc::new(people(&users, days.map(|days| &**days), now, is_masked));
        let ends = users.all().filter_map(|known| known.expires().filter(|end| *end > now)).min();
        let holds = (now, ends.unwrap_or(Timestamp::MAX));
        *page = Some(Page { users, days: days.cloned(), holds, used: Instant::now(), people: Arc::clone(&people) });
        people
    }
}

fn people(users: &Users, days: Option<&Days>, now: Timestamp, is_masked: bool) -> People {
    // Who logged in as nobody in particular is no user.
    let day_of = |name: &str| days?.get(name).filter(|_| *name != *ANONYMOUS);
    let quiet = days.map(|_| Arc::new(Day::default()));
    let with_day = |mut person: Person| {
        match day_of(&person.name) {
            Some(day) => person.had(day, is_masked),
            None => person.day.clone_from(&quiet),
        }
        Arc::new(person)
    };
    let mut people: People = users.all().map(|known| with_day(Person::of_file(known, now))).collect();
    let elsewhere =
        days.into_iter().flatten().filter(|(name, _)| **name != *ANONYMOUS && users.find(name.as_bytes()).is_none());
    people.extend(elsewhere.map(|(name, day)| with_day(Person::of_day(name, day))));
    people.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    people
}
