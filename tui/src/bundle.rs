//! A bundle for somebody who helps: what the daemon says of itself, each answer as a file.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};
use tar::{Builder, Header};

use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::raw;

/// Where everything lies in the bundle.
const FOLDER: &str = "rustsocks-support";

/// What addresses in it look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addresses {
    Masked,
    Whole,
}

/// Writes a bundle into a new file that only its owner reads, and says how many files are in it. An answer that was refused is
/// in it as that.
///
/// # Errors
/// The file is there already or cannot be written, or the daemon is gone or makes no bundles.
pub(crate) fn write(connection: &mut Connection, path: &Path, addresses: Addresses) -> Result<usize, Failure> {
    let unwritten = || Failure::here(format!("cannot write {}", path.display()));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(unwritten())?;
    let mut parts = vec![("daemon".to_owned(), serde_json::to_value(&connection.welcome).unwrap_or_default())];
    let p = json!({ "addresses": addresses == Addresses::Whole });
    connection.call_in_parts("support.bundle", &p, |mut part| {
        parts.push((raw(&part["name"]), part["answer"].take()));
    })?;
    let mut bundle = Builder::new(BufWriter::new(file));
    for (name, answer) in &parts {
        add(&mut bundle, name, answer).map_err(unwritten())?;
    }
    bundle.into_inner().and_then(|mut file| file.flush()).map_err(unwritten())?;
    Ok(parts.len())
}

fn add(bundle: &mut Builder<impl Write>, name: &str, answer: &Value) -> io::Result<()> {
    let text = format!("{answer:#}\n");
    let mut header = Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o600);
    header.set_mtime(u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0));
    bundle.append_data(&mut header, format!("{FOLDER}/{name}.json"), text.as_bytes())
}
