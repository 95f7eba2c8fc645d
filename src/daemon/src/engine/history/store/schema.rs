//! The tables and their versions: each migration is one file and one transaction, and an existing file is copied before.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::fault::Fault;

/// In the order of their versions, beginning with 1.
pub(in crate::engine::history) const MIGRATIONS: &[&str] = &[
    include_str!("../../../../../../migrations/0001_sessions.sql"),
    include_str!("../../../../../../migrations/0002_usage.sql"),
    include_str!("../../../../../../migrations/0003_rules_us.sql"),
    include_str!("../../../../../../migrations/0004_readable.sql"),
    include_str!("../../../../../../migrations/0005_flows.sql"),
];

/// `RSoc`: tells our files from other programs' (`PRAGMA application_id`).
const APPLICATION: i64 = 0x5253_6f63;

/// Brings the tables up to the last of `migrations`. A new file gets all of them.
///
/// # Errors
/// The file is newer than this program, or another program's, or cannot be written; then it is as it was.
pub(in crate::engine::history) fn migrate(
    connection: &mut Connection,
    path: &Path,
    migrations: &[&str],
) -> Result<(), Fault> {
    let known = i64::try_from(migrations.len()).expect("there are few migrations");
    let version = version(connection, known)?;
    if version == known {
        return Ok(());
    }
    if version > 0 {
        back_up(connection, path, version)?;
    }
    let done = usize::try_from(version).expect("versions are not negative");
    for (number, migration) in (version + 1..).zip(&migrations[done..]) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    tracing::info!(from = version, to = known, "the history's database has its schema");
    Ok(())
}

/// The version of the tables; 0 for an empty file.
///
/// # Errors
/// They are not ours, or not of this program.
pub(in crate::engine::history) fn version(connection: &Connection, known: i64) -> Result<i64, Fault> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, version) {
        (0, 0) if tables == 0 => Ok(0),
        (APPLICATION, found) if found > known => Err(Fault::Newer { found, known }),
        (APPLICATION, found) if found > 0 && tables > 0 => Ok(found),
        (APPLICATION, _) => Err(Fault::Damaged("its tables are missing".to_owned())),
        _ => Err(Fault::Foreign),
    }
}

/// A copy of the file as it is, in a file beside it.
fn back_up(connection: &Connection, path: &Path, version: i64) -> Result<(), Fault> {
    let copy = with_suffix(path, &format!(".version-{version}"));
    if copy.exists() {
        // Of an earlier attempt, which did not get further.
        std::fs::remove_file(&copy)?;
    }
    connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    tracing::info!(copy = %copy.display(), "the history's database is copied before its schema changes");
    Ok(())
}

/// The path with something behind its file name.
pub(in crate::engine::history) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::engine::history::archive::Archive;
    use crate::engine::history::archive::filter::Filter;
    use crate::engine::history::archive::sum::By;

    fn open(path: &Path) -> Connection {
        Connection::open(path).unwrap()
    }

    fn versions(path: &Path) -> (i64, i64) {
        let number = |pragma| open(path).pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
        (number("user_version"), number("application_id"))
    }

    #[test]
    fn a_new_file_gets_every_migration_and_an_old_one_the_rest_and_a_copy() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("sessions.db");
        let [first, second] = ["CREATE TABLE one (a)", "CREATE TABLE two (b)"];
        migrate(&mut open(&path), &path, &[first]).unwrap();
        assert_eq!(versions(&path), (1, APPLICATION));
        open(&path).execute("INSERT INTO one VALUES (7)", []).unwrap();

        let copy = home.path().join("sessions.db.version-1");
        std::fs::write(&copy, "the remains of an earlier attempt").unwrap();
        migrate(&mut open(&path), &path, &[first, second]).unwrap();
        assert_eq!(versions(&path), (2, APPLICATION));
        open(&path).execute("INSERT INTO two VALUES (8)", []).unwrap();
        assert_eq!(versions(&copy), (1, APPLICATION));
        let kept: i64 = open(&copy).query_row("SELECT a FROM one", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 7);
    }

    #[test]
    fn rows_of_an_earlier_version_stay_and_are_read_before_and_after() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("sessions.db");
        migrate(&mut open(&path), &path, &MIGRATIONS[..2]).unwrap();
        let row = "INSERT INTO sessions (session_id, start_time, status, listener, generation, auth_us, dns_us)
                   VALUES (zeroblob(16), 1, 'closed', 'l', 1, 2, 3)";
        open(&path).execute(row, []).unwrap();
        let read = || {
            let rows = Archive::open(&path, Duration::from_mins(1)).unwrap().page(&Filter::default(), 10).unwrap();
            rows.iter().map(|row| (row.auth_us, row.rules_us, row.dns_us)).collect::<Vec<_>>()
        };
        assert_eq!(read(), [(Some(2), None, Some(3))]);
        let sums =
            |by| Archive::open(&path, Duration::from_mins(1)).unwrap().sums(&Filter::default(), by, 10).unwrap().len();
        assert_eq!(sums(By::Destination), 1, "also where there is no table of flows yet");
        migrate(&mut open(&path), &path, MIGRATIONS).unwrap();
        assert_eq!(read(), [(Some(2), None, Some(3))]);
        open(&path).execute("UPDATE sessions SET rules_us = 4", []).unwrap();
        assert_eq!(read(), [(Some(2), Some(4), Some(3))]);
        assert_eq!(versions(&home.path().join("sessions.db.version-2")), (2, APPLICATION));
    }

    /// Who adds a column adds it to the view, too.
    #[test]
    fn the_readable_view_has_every_column_of_the_sessions() {
        let connection = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            connection.execute_batch(migration).unwrap();
        }
        let columns = |table: &str| {
            let mut statement = connection.prepare("SELECT name FROM pragma_table_xinfo(?1)").unwrap();
            let names = statement.query_map([table], |row| row.get::<_, String>(0)).unwrap();
            names.collect::<rusqlite::Result<BTreeSet<_>>>().unwrap()
        };
        assert_eq!(columns("sessions_readable"), columns("sessions"));
        let row = "INSERT INTO sessions (session_id, start_time, status, listener, generation, created_at)
                   VALUES (zeroblob(16), 1500000, 'closed', 'l', 1, 2000000)";
        connection.execute(row, []).unwrap();
        let read = "SELECT session_id, start_time, created_at FROM sessions_readable";
        let read: [String; 3] =
            connection.query_row(read, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?])).unwrap();
        let expected = ["00000000-0000-0000-0000-000000000000", "1970-01-01T00:00:01.500Z", "1970-01-01T00:00:02.000Z"];
        assert_eq!(read, expected);
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("sessions.db");
        migrate(&mut open(&path), &path, &["CREATE TABLE one (a)"]).unwrap();
        let broken = "CREATE TABLE two (b); CREATE TABLE one (a)";
        migrate(&mut open(&path), &path, &["", broken]).unwrap_err();
        assert_eq!(versions(&path).0, 1);
        open(&path).execute("SELECT b FROM two", []).unwrap_err();
    }

    #[test]
    fn what_is_newer_or_not_ours_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("sessions.db");
        migrate(&mut open(&path), &path, &["CREATE TABLE one (a)", "CREATE TABLE two (b)"]).unwrap();
        let error = migrate(&mut open(&path), &path, &["CREATE TABLE one (a)"]).unwrap_err();
        assert!(matches!(error, Fault::Newer { found: 2, known: 1 }), "{error}");

        let other = home.path().join("other.db");
        open(&other).execute_batch("CREATE TABLE theirs (a)").unwrap();
        let error = migrate(&mut open(&other), &other, MIGRATIONS).unwrap_err();
        assert!(matches!(error, Fault::Foreign), "{error}");
    }
}
