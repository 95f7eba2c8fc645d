//! What each user had since a moment: one walk through the rows, and through those in which somebody was not let in.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use rusqlite::{Connection, Row};

use super::super::store::key::first_id;

/// Names that nobody got in by, in one answer: guesses are without end.
const MOST_GUESSED: usize = 1_000;

/// What sessions end with in which a name was said and not believed.
const NOT_BELIEVED: [&str; 4] = ["bad_credentials", "name_locked", "source_penalised", "auth_unavailable"];

/// What one user had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Day {
    pub(crate) sessions: i64,
    pub(crate) up: i64,
    pub(crate) down: i64,
    pub(crate) denied: i64,
    pub(crate) failed: i64,
    /// Logins under this name that were refused.
    pub(crate) fails: i64,
    /// When the last session began, in microseconds since 1970, and from which address.
    pub(crate) last: Option<(i64, Option<Arc<str>>)>,
}

/// By name; each is shared by whoever looks.
pub(crate) type Days = HashMap<String, Arc<Day>, RandomState>;

/// Nothing if these would be more than so many.
pub(super) fn days(connection: &Connection, since: i64, most: usize) -> rusqlite::Result<Option<Days>> {
    // Ids begin with the millisecond of the start, and rows lie in their order.
    let sql = "SELECT user, claimed, bytes_sent, bytes_received, status, close_reason, start_time, source_ip
        FROM sessions WHERE session_id >= ?1 AND start_time >= ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query((first_id(since).to_vec(), since))?;
    let (mut days, mut guessed) = (Days::default(), 0);
    while let Some(row) = rows.next()? {
        let user = row.get_ref(0)?.as_str_or_null()?;
        let claimed = row.get_ref(1)?.as_str_or_null()?;
        let is_refused =
            user.is_none() && row.get_ref(5)?.as_str_or_null()?.is_some_and(|why| NOT_BELIEVED.contains(&why));
        match (user, claimed) {
            (Some(user), _) => day_of(&mut days, user).add(row)?,
            (None, Some(name)) if is_refused && days.contains_key(name) => day_of(&mut days, name).fails += 1,
            (None, Some(name)) if is_refused && guessed < MOST_GUESSED => {
                guessed += 1;
                day_of(&mut days, name).fails += 1;
            }
            (None, _) => {}
        }
        if days.len() > most {
            return Ok(None);
        }
    }
    Ok(Some(days))
}

/// A name is written anew only when it is new.
fn day_of<'d>(days: &'d mut Days, name: &str) -> &'d mut Day {
    Arc::make_mut(days.entry_ref(name).or_default())
}

impl Day {
    fn add(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        let (status, began): (_, i64) = (row.get_ref(4)?.as_str()?, row.get(6)?);
        self.sessions += 1;
        self.up = self.up.saturating_add(row.get(2)?);
        self.down = self.down.saturating_add(row.get(3)?);
        self.denied += i64::from(status == "rejected");
        self.failed += i64::from(status == "failed");
        if self.last.as_ref().is_none_or(|(last, _)| *last <= began) {
            self.last = Some((began, row.get(7)?));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::store::schema::MIGRATIONS;
    use super::*;

    const INSERT: &str =
        "INSERT INTO sessions (session_id, user, claimed, start_time, bytes_sent, bytes_received, status,
            close_reason, source_ip, listener, generation) VALUES (?1, ?2, ?3, ?4, 3, 5, ?5, ?6, ?7, '', 1)";

    /// A start in seconds, the user, what was claimed, the status, the reason and the source.
    type Written<'a> = (i64, Option<&'a str>, Option<&'a str>, &'a str, &'a str, &'a str);

    fn database(rows: &[Written<'_>]) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            connection.execute_batch(migration).unwrap();
        }
        for (number, (start, user, claimed, status, reason, source)) in rows.iter().enumerate() {
            let mut id = first_id(start * 1_000_000);
            id[15] = u8::try_from(number).unwrap();
            connection.execute(INSERT, (id, user, claimed, start * 1_000_000, status, reason, source)).unwrap();
        }
        connection
    }

    #[test]
    fn a_day_has_what_was_carried_what_was_denied_and_who_was_not_let_in() {
        let connection = database(&[
            (100, Some("alice"), None, "closed", "client_closed", "10.0.0.1"),
            (200, Some("alice"), None, "closed", "client_closed", "10.0.0.2"),
            (201, Some("alice"), None, "rejected", "denied", "10.0.0.3"),
            (202, None, Some("alice"), "rejected", "bad_credentials", "10.0.0.4"),
            (203, None, Some("mallory"), "rejected", "name_locked", "10.0.0.4"),
            (204, None, Some("mallory"), "failed", "auth_unavailable", "10.0.0.4"),
            (205, Some("anonymous"), Some("carol"), "rejected", "denied", "10.0.0.5"),
            (206, None, Some("dave"), "closed", "client_left", "10.0.0.6"),
        ]);
        let days = days(&connection, 150_000_000, 10).unwrap().unwrap();
        let alice = Day {
            sessions: 2,
            up: 6,
            down: 10,
            denied: 1,
            failed: 0,
            fails: 1,
            last: Some((201_000_000, Some("10.0.0.3".into()))),
        };
        assert_eq!(days.get("alice"), Some(&Arc::new(alice)));
        assert_eq!(days.get("mallory"), Some(&Arc::new(Day { fails: 2, ..Day::default() })));
        let mut names: Vec<&str> = days.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["alice", "anonymous", "mallory"]);
    }

    #[test]
    fn too_many_users_are_no_answer() {
        let connection =
            database(&[(1, Some("alice"), None, "closed", "", ""), (2, Some("bob"), None, "closed", "", "")]);
        assert_eq!(days(&connection, 0, 1).unwrap(), None);
    }
}
