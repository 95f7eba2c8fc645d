//! Why the database cannot be used now, in the words that decide what is done about it.

use rusqlite::ErrorCode;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// Somebody else writes; it may be over in a moment.
    #[error("another process holds its lock")]
    Locked,
    #[error("its disk is full")]
    Full,
    /// The file under its name is another one, or there is none.
    #[error("the file was removed or replaced")]
    Gone,
    /// What is in the file is no database, or not ours any more.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// A newer program made it; we would spoil it.
    #[error(
        "its schema has version {found}, and this program knows {known}; use the newer program, or move the file away"
    )]
    Newer { found: i64, known: i64 },
    /// Some other program's database.
    #[error("it belongs to another program; set sessions.database_url to a file of its own")]
    Foreign,
    #[error("{0}")]
    Unusable(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let words = error.to_string();
        match error.sqlite_error_code() {
            Some(code) if [ErrorCode::DatabaseBusy, ErrorCode::DatabaseLocked].contains(&code) => Self::Locked,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(code) if [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase].contains(&code) => Self::Damaged(words),
            Some(_) | None => Self::Unusable(words),
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull { Self::Full } else { Self::Unusable(error.to_string()) }
    }
}
