//! Reads what the configuration consists of: the file, and the files that it names.

use std::path::Path;

use anyhow::{Context, bail};
use config::{Loaded, Settings, Source};

use super::args::Selection;
use crate::state::users::Users;

/// The text of the selected file; `None` selects the defaults.
pub(super) fn read_file(selection: &Selection) -> anyhow::Result<Option<String>> {
    let Some(path) = &selection.config else {
        return Ok(None);
    };
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the configuration {}", path.display()))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => bail!("{}: not UTF-8 at byte {}", path.display(), error.utf8_error().valid_up_to()),
    }
}

/// The settings that `text` and whatever outranks it make.
pub(super) fn load(selection: &Selection, text: Option<&str>) -> anyhow::Result<Loaded> {
    let path = selection.config.as_deref().unwrap_or(Path::new("")).to_string_lossy();
    let source = text.map_or(Source::Embedded, |text| Source::File { path: &path, text });
    Ok(config::load(source, &selection.overrides())?)
}

/// The users, if any listener asks for passwords.
pub(super) fn load_users(settings: &Settings) -> anyhow::Result<Users> {
    let is_needed = settings.listeners().iter().any(|listener| listener.methods.contains(config::Method::UserPass));
    let (true, Some(path)) = (is_needed, &settings.auth.users_file) else {
        return Ok(Users::default());
    };
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read auth.users_file {}", path.display()))?;
    let users = config::users::load(&path.to_string_lossy(), &text)?;
    Ok(Users::new(&users)?)
}
