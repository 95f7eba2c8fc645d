//! Questions to the database, by whoever wants to know: never writing, never holding the writer up, and with an end.

pub(crate) mod aggregate;
pub(crate) mod day;
pub(crate) mod expression;
pub(crate) mod filter;
pub(crate) mod flows;
pub(crate) mod order;
pub(crate) mod replay;
pub(crate) mod row;
pub(crate) mod sum;
pub(crate) mod withdrawn;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ::filter::Pattern;
use history::Sought;
use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter};

use self::day::Days;
use self::filter::{Conditions, Filter};
use self::flows::Whole;
use self::row::Row;
use self::sum::{Bounds, By, Overview, Sum};
use self::withdrawn::Withdrawn;
use super::store::fault::Fault;
use super::store::schema::{MIGRATIONS, version};

/// How long a question may wait for a lock; readers hardly ever meet one.
const BUSY: Duration = Duration::from_secs(1);

/// Steps of SQLite's machine between two looks at the clock: some tenths of a millisecond.
const STEPS: i32 = 10_000;

/// The database as a reader has it.
#[derive(Debug)]
pub(crate) struct Archive {
    connection: Connection,
    /// Of the tables.
    version: i64,
    deadline: Duration,
    /// How many users, destinations and so on may be told apart for one answer.
    most_sums: usize,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("there is no history in {} yet", .0.display())]
    NoFile(PathBuf),
    #[error("the answer takes longer than {0:?}; ask for a shorter time or fewer rows")]
    TooLate(Duration),
    #[error(
        "the sessions are of more than {0} users, destinations or what else they are put together by; ask for a shorter time"
    )]
    TooMuch(usize),
    #[error("the question has been taken back")]
    Withdrawn,
    #[error("cannot read the history: {0}")]
    Unreadable(#[from] Fault),
}

impl Archive {
    /// Opens the file for questions that may take so long each.
    ///
    /// # Errors
    /// There is no such file, it cannot be read, or a newer or another program made it.
    pub(crate) fn open(path: &Path, deadline: Duration) -> Result<Self, NoAnswer> {
        // Never by opening it: closing it again takes away every lock that this process has on it (fcntl(2)), and whoever reads
        // it then from outside takes himself for the last one and removes the log into which the daemon writes.
        if let Err(errno) = access(path, AccessFlags::R_OK) {
            let is_missing = errno == Errno::ENOENT;
            return Err(if is_missing {
                NoAnswer::NoFile(path.to_owned())
            } else {
                Fault::from(io::Error::from(errno)).into()
            });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(Fault::from)?;
        connection.busy_timeout(BUSY).map_err(Fault::from)?;
        let known = i64::try_from(MIGRATIONS.len()).expect("there are few migrations");
        let version = version(&connection, known)?;
        prepare(&connection, version).map_err(Fault::from)?;
        match version {
            0 => Err(NoAnswer::NoFile(path.to_owned())),
            version => Ok(Self { connection, version, deadline, most_sums: usize::MAX }),
        }
    }

    /// Tells so many users, destinations and so on apart at most for one answer, each of which costs memory.
    #[must_use]
    pub(crate) fn with_most_sums(self, most_sums: usize) -> Self {
        Self { most_sums, ..self }
    }

    /// The sessions that `filter` lets through, in its order, so many at most.
    /// The last one's id is where the next page begins ([`Filter::after`]).
    pub(crate) fn page(&mut self, filter: &Filter, limit: u32) -> Result<Vec<Row>, NoAnswer> {
        let (sql, values) = self.question(filter, limit);
        self.within_deadline(&filter.withdrawn, |connection| {
            connection.prepare_cached(&sql)?.query_map(params_from_iter(values), Row::read)?.collect()
        })
    }

    /// The same sessions with everything that is known of each.
    pub(crate) fn whole(&mut self, filter: &Filter, limit: u32) -> Result<Vec<Whole>, NoAnswer> {
        let (sql, values) = self.question(filter, limit);
        self.within_deadline(&filter.withdrawn, |connection| {
            // Everything of one moment.
            let moment = connection.unchecked_transaction()?;
            let mut statement = moment.prepare_cached(&sql)?;
            let rows = statement.query_map(params_from_iter(values), Row::read)?;
            rows.map(|row| Whole::of(row?, &moment)).collect()
        })
    }

    fn question(&self, filter: &Filter, limit: u32) -> (String, Vec<Value>) {
        let Conditions { sql, values } = filter.conditions();
        let columns = if self.version < row::RULES_SINCE { row::COLUMNS_BEFORE_RULES } else { row::COLUMNS };
        let sql = format!("SELECT {columns} FROM sessions WHERE {sql} ORDER BY {} LIMIT {limit}", filter.order.sql());
        (sql, values)
    }

    /// The sessions that `filter` lets through, summed up; who moved most comes first.
    pub(crate) fn sums(&mut self, filter: &Filter, by: By, limit: u32) -> Result<Vec<Sum>, NoAnswer> {
        let Conditions { sql, values } = filter.conditions();
        let most = Bounds { given: limit as usize, worked_out: self.most_sums };
        let sums = self.within_deadline(&filter.withdrawn, |connection| {
            sum::sums(connection, (&sql, params_from_iter(values)), by, most)
        })?;
        sums.ok_or(NoAnswer::TooMuch(self.most_sums))
    }

    /// What each user had in the sessions that began at this moment or later, in microseconds since 1970.
    pub(crate) fn days(&mut self, since: i64) -> Result<Days, NoAnswer> {
        let most = self.most_sums;
        let days = self.within_deadline(&Withdrawn::default(), |connection| day::days(connection, since, most))?;
        days.ok_or(NoAnswer::TooMuch(most))
    }

    /// The sessions that `filter` lets through: all together, and those users and destinations that are in most of them.
    pub(crate) fn overview(&mut self, filter: &Filter, most: u32) -> Result<Overview, NoAnswer> {
        let Conditions { sql, values } = filter.conditions();
        let most = Bounds { given: most as usize, worked_out: self.most_sums };
        let overview = self.within_deadline(&filter.withdrawn, |connection| {
            sum::overview(connection, (&sql, params_from_iter(values)), most)
        })?;
        overview.ok_or(NoAnswer::TooMuch(self.most_sums))
    }

    fn within_deadline<T>(
        &mut self,
        withdrawn: &Withdrawn,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, NoAnswer> {
        let (end, asker) = (Instant::now() + self.deadline, withdrawn.clone());
        let is_over = move || asker.is_withdrawn() || Instant::now() >= end;
        self.connection.progress_handler(STEPS, Some(is_over)).map_err(Fault::from)?;
        ask(&self.connection).map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) if withdrawn.is_withdrawn() => NoAnswer::Withdrawn,
            Some(ErrorCode::OperationInterrupted) => NoAnswer::TooLate(self.deadline),
            Some(_) | None => Fault::from(error).into(),
        })
    }
}

fn prepare(connection: &Connection, version: i64) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;")?;
    if version < flows::SINCE {
        connection.execute_batch(flows::NONE)?;
    }
    connection.execute_batch("PRAGMA query_only = ON;")?;
    let matches = FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function(expression::MATCHES, 2, matches, |arguments| {
        let pattern = arguments.get_or_create_aux(1, |source| pattern(source.as_str()?))?;
        let text = arguments.get_raw(0).as_str_or_null()?;
        Ok(text.map(|text| pattern.is_in(text)))
    })?;
    connection.create_scalar_function(filter::IS_SOUGHT, 2, FunctionFlags::SQLITE_DETERMINISTIC, |arguments| {
        let (address, sought) = (arguments.get_raw(0).as_str_or_null()?, arguments.get_raw(1).as_str()?);
        let address = address.and_then(|address| address.parse::<std::net::IpAddr>().ok());
        let network = match sought.parse() {
            Ok(Sought::Network(network)) => Some(network),
            Ok(Sought::Name(_) | Sought::Below(_)) | Err(_) => None,
        };
        Ok(network.zip(address).is_some_and(|(network, address)| network.contains(&address)))
    })
}

fn pattern(source: &str) -> Result<Pattern, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Pattern::new(source)?)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::expression::Expression;
    use super::order::{Key, Order};
    use super::*;
    use crate::engine::history::store::schema::migrate;

    const NOW: i64 = 1_795_334_400_000_000;

    /// A database of so many sessions, one each second before [`NOW`]; the lengths and bytes of them go up and down.
    fn archive(sessions: i64) -> (tempfile::TempDir, Archive) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sessions.db");
        let mut writer = Connection::open(&path).unwrap();
        migrate(&mut writer, &path, MIGRATIONS).unwrap();
        let insert = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
            INSERT INTO sessions (session_id, user, start_time, end_time, source_ip, dest_host, dest_port, protocol,
                bytes_sent, bytes_received, status, listener, generation)
            SELECT unhex(printf('%012x', (?2 - i * 1000000) / 1000) || printf('70008000%012x', i)), iif(i % 3, 'alice', 'bob'),
                ?2 - i * 1000000, ?2 - i * 1000000 + (i * 7 % 10) * 1000000, '192.0.2.' || (i % 250), 'host' || (i % 5) || '.example',
                443, 'tcp', i * 3 % 10, 0, iif(i % 4, 'closed', 'rejected'), 'main', 1 FROM n";
        writer.execute(insert, (sessions, NOW)).unwrap();
        (directory, Archive::open(&path, Duration::from_mins(1)).unwrap())
    }

    fn asked(text: &str) -> Filter {
        let filter = ::filter::Filter::parse(text, ::filter::HISTORY).unwrap();
        Filter { such: Some(Expression { filter, now: NOW, is_masked: false }), ..Filter::default() }
    }

    #[test]
    fn the_language_finds_what_it_says() {
        let (_directory, mut archive) = archive(100);
        for (text, found) in [
            ("", 100),
            ("user=bob", 34),
            ("user=bob status=rejected", 9),
            ("user~~\"^B\" and not status=closed", 9),
            ("start>-10s", 10),
            ("start>=-10s start<-5s", 5),
            ("dst=HOST1.example", 20),
            ("dst~*.example port=443 proto=tcp", 100),
            ("src in 192.0.2.0/29", 8),
            ("up>8", 10),
            ("dur>=9s", 10),
            ("listener=main gen=1 total<1", 10),
            ("id~*-7000-8000-000000000007", 1),
            ("alice or bob", 100),
            ("claimed=eve", 0),
        ] {
            let rows = archive.page(&asked(text), 1_000).unwrap();
            assert_eq!(rows.len(), found, "{text}");
        }
        let masked = |text: &str| {
            let mut filter = asked(text);
            filter.such.as_mut().unwrap().is_masked = true;
            filter
        };
        for text in ["src=192.0.2.7", "192.0.2.7", "src~192*"] {
            assert_eq!(
                archive.page(&masked(text), 1_000).unwrap().len(),
                0,
                "{text}: asking finds no more than looking"
            );
        }
    }

    #[test]
    fn pages_go_on_where_the_last_one_ended_in_every_order() {
        let (_directory, mut archive) = archive(100);
        for (by, is_ascending) in
            [Key::Start, Key::End, Key::Bytes, Key::Duration].into_iter().flat_map(|by| [(by, false), (by, true)])
        {
            let order = Order { by, is_ascending };
            let mut filter = Filter { order, ..asked("user=alice") };
            let whole = archive.page(&filter, 1_000).unwrap();
            let mut pages = Vec::new();
            loop {
                let page = archive.page(&filter, 7).unwrap();
                let Some(last) = page.last() else { break };
                filter.after = Some(last.session_id);
                pages.extend(page);
            }
            assert_eq!(pages, whole, "{order:?}");
            assert_eq!(whole.len(), 66);
            let value = |row: &Row| match by {
                Key::Start => row.start_time.as_microsecond(),
                Key::End => row.end_time.map_or(i64::MAX, Timestamp::as_microsecond),
                Key::Bytes => row.bytes_sent + row.bytes_received,
                Key::Duration => row.duration_secs.unwrap_or(0),
            };
            assert!(
                whole
                    .windows(2)
                    .all(|pair| (value(&pair[0]) <= value(&pair[1])) == is_ascending
                        || value(&pair[0]) == value(&pair[1])),
                "{order:?}"
            );
        }
    }

    #[test]
    fn a_question_that_is_taken_back_is_interrupted() {
        let (_directory, mut archive) = archive(20_000);
        let filter = asked("not host~*.example");
        assert!(archive.page(&filter, 10).is_ok());
        filter.withdrawn.withdraw();
        assert!(matches!(archive.page(&filter, 10), Err(NoAnswer::Withdrawn)));
        assert!(archive.page(&asked("not host~*.example"), 10).is_ok(), "the next one is answered");
    }

    #[test]
    fn more_sums_than_may_be_worked_out_are_refused_and_not_kept() {
        let (_directory, archive) = archive(100);
        let (mut archive, everything) = (archive.with_most_sums(4), Filter::default());
        let by = |by| aggregate::Wanted { by: Some((by, 1)), span: None };
        assert!(matches!(archive.sums(&everything, By::Destination, 1), Err(NoAnswer::TooMuch(4))));
        assert!(matches!(archive.overview(&everything, 1), Err(NoAnswer::TooMuch(4))));
        assert!(matches!(archive.aggregate(&everything, by(By::Destination)), Err(NoAnswer::TooMuch(4))));
        assert_eq!(archive.sums(&everything, By::User, 1).unwrap().len(), 1);
        assert!(archive.aggregate(&everything, by(By::User)).is_ok());
    }

    #[test]
    fn numbers_add_up_in_groups_and_through_the_time() {
        let (_directory, mut archive) = archive(100);
        let wanted = aggregate::Wanted { by: Some((By::User, 10)), span: Some(60) };
        let found = serde_json::to_value(archive.aggregate(&asked("start>-90s"), wanted).unwrap()).unwrap();
        let sum = |list: &str, name: &str| -> i64 {
            found[list].as_array().unwrap().iter().map(|one| one[name].as_i64().unwrap()).sum()
        };
        for name in ["sessions", "bytes_sent", "rejected"] {
            assert_eq!(found["total"][name], sum("groups", name), "{found}");
            assert_eq!(found["total"][name], sum("buckets", name), "{found}");
        }
        assert_eq!(
            (&found["total"]["sessions"], &found["total"]["users"], &found["total"]["destinations"]),
            (&90.into(), &2.into(), &5.into())
        );
        let begins: Vec<_> =
            found["buckets"].as_array().unwrap().iter().map(|one| one["t"].as_i64().unwrap()).collect();
        assert!(begins.is_sorted() && begins.iter().all(|t| t % 60 == 0), "{begins:?}");
    }
}
