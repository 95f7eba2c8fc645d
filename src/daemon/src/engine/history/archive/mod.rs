//! Questions to the database, by whoever wants to know: never writing, never holding the writer up, and with an end.

pub(crate) mod filter;
pub(crate) mod replay;
pub(crate) mod row;
pub(crate) mod sum;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use history::Sought;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter};

use self::filter::{Conditions, Filter};
use self::row::Row;
use self::sum::{By, Sum, Total, most_frequent};
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
}

/// Many sessions at a glance.
#[derive(Debug, Default)]
pub(crate) struct Overview {
    pub(crate) total: Total,
    pub(crate) users: Vec<Sum>,
    pub(crate) destinations: Vec<Sum>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("there is no history in {} yet", .0.display())]
    NoFile(PathBuf),
    #[error("the answer takes longer than {0:?}; ask for a shorter time or fewer rows")]
    TooLate(Duration),
    #[error("cannot read the history: {0}")]
    Unreadable(#[from] Fault),
}

impl Archive {
    /// Opens the file for questions that may take so long each.
    ///
    /// # Errors
    /// There is no such file, it cannot be read, or a newer or another program made it.
    pub(crate) fn open(path: &Path, deadline: Duration) -> Result<Self, NoAnswer> {
        if let Err(error) = std::fs::File::open(path) {
            let is_missing = error.kind() == io::ErrorKind::NotFound;
            return Err(if is_missing { NoAnswer::NoFile(path.to_owned()) } else { Fault::from(error).into() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(Fault::from)?;
        prepare(&connection).map_err(Fault::from)?;
        let known = i64::try_from(MIGRATIONS.len()).expect("there are few migrations");
        match version(&connection, known)? {
            0 => Err(NoAnswer::NoFile(path.to_owned())),
            version => Ok(Self { connection, version, deadline }),
        }
    }

    /// The sessions that `filter` lets through, the latest first, so many at most.
    /// The last one's id is where the next page begins ([`Filter::after`]).
    pub(crate) fn page(&mut self, filter: &Filter, limit: u32) -> Result<Vec<Row>, NoAnswer> {
        let Conditions { sql, values } = filter.conditions();
        let columns = if self.version < row::RULES_SINCE { row::COLUMNS_BEFORE_RULES } else { row::COLUMNS };
        let sql = format!("SELECT {columns} FROM sessions WHERE {sql} ORDER BY session_id DESC LIMIT {limit}");
        self.within_deadline(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_map(params_from_iter(values), Row::read)?.collect()
        })
    }

    /// The sessions that `filter` lets through, summed up; who moved most comes first.
    pub(crate) fn sums(&mut self, filter: &Filter, by: By, limit: u32) -> Result<Vec<Sum>, NoAnswer> {
        let Conditions { sql, values } = filter.conditions();
        let sql = by.question(&sql, limit);
        self.within_deadline(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_map(params_from_iter(values), Sum::read)?.collect()
        })
    }

    /// The sessions that `filter` lets through: all together, and those users and destinations that are in most of them.
    pub(crate) fn overview(&mut self, filter: &Filter, most: u32) -> Result<Overview, NoAnswer> {
        let Conditions { sql, values } = filter.conditions();
        let total = Total::question(&sql);
        let [users, destinations] = [By::User, By::Destination].map(|by| most_frequent(by, &sql, most));
        self.within_deadline(|connection| {
            let sums = |sql: &str| {
                let mut statement = connection.prepare_cached(sql)?;
                statement.query_map(params_from_iter(&values), Sum::read)?.collect::<rusqlite::Result<Vec<_>>>()
            };
            Ok(Overview {
                total: connection.prepare_cached(&total)?.query_row(params_from_iter(&values), Total::read)?,
                users: sums(&users)?,
                destinations: sums(&destinations)?,
            })
        })
    }

    fn within_deadline<T>(&mut self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, NoAnswer> {
        let end = Instant::now() + self.deadline;
        self.connection.progress_handler(STEPS, Some(move || Instant::now() >= end)).map_err(Fault::from)?;
        ask(&self.connection).map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => NoAnswer::TooLate(self.deadline),
            Some(_) | None => Fault::from(error).into(),
        })
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;")?;
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
