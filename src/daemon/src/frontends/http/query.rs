//! Query parameters: each known, each at most once, each right; or the client is told which is not.

use std::fmt::Display;
use std::str::FromStr;

use jiff::{Timestamp, ToSpan};
use uuid::Uuid;

use crate::engine::history::archive::filter::Filter;
use crate::engine::history::archive::sum::By;
use crate::frontends::office::moment::moment;
use crate::frontends::office::{No, Sought};

/// Items of one answer, if nothing else is asked for, and at most.
const USUAL: u32 = 100;
pub(super) const MOST: u32 = 1_000;

/// A parameter of a route.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// The name of its schema.
    pub(super) schema: &'static str,
    pub(super) description: &'static str,
    pub(super) is_required: bool,
}

/// The parameters of one request.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// # Errors
    /// One that the route does not have, or that is there twice.
    pub(super) fn read(text: &str, known: &[Parameter]) -> Result<Self, No> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if !known.iter().any(|parameter| parameter.name == name) {
                return Err(No::Invalid(format!("there is no parameter {name:?}")));
            }
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(No::Invalid(format!("{name} stands there twice")));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    pub(super) fn sought(&self) -> Result<Sought, No> {
        let limit = usize::try_from(self.limit()?).unwrap_or(usize::MAX);
        Ok(Sought { user: self.text("user").map(str::to_owned), after: self.parsed::<Uuid>("after")?, limit })
    }

    /// How many, from where on.
    pub(super) fn stretch(&self) -> Result<(usize, usize), No> {
        let after = self.parsed::<u32>("after")?.unwrap_or(0);
        let whole = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Ok((whole(after), whole(self.limit()?)))
    }

    pub(super) fn limit(&self) -> Result<u32, No> {
        let limit = self.parsed::<u32>("limit")?.unwrap_or(USUAL);
        if (1..=MOST).contains(&limit) { Ok(limit) } else { Err(No::Invalid(format!("limit: 1 to {MOST}"))) }
    }

    /// Nothing was asked for in particular.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn by(&self) -> Result<By, No> {
        self.parsed("by")?.ok_or_else(|| No::Invalid("by: it is missing".to_owned()))
    }

    pub(super) fn filter(&self, now: Timestamp) -> Result<Filter, No> {
        let hours = self.parsed::<u32>("hours")?;
        if hours.is_some_and(|hours| !(1..=876_000).contains(&hours)) {
            return Err(No::Invalid("hours: 1 to 876000".to_owned()));
        }
        if hours.is_some() && self.text("start").is_some() {
            return Err(No::Invalid("hours and start exclude each other".to_owned()));
        }
        let ago = |hours: u32| now.checked_sub(i64::from(hours).hours()).unwrap_or(Timestamp::MIN);
        let start = self.moment("start")?.or(hours.map(ago));
        Ok(Filter {
            user: self.text("user").map(str::to_owned),
            since: start.map(Timestamp::as_microsecond),
            until: self.moment("end")?.map(Timestamp::as_microsecond),
            destination: self.parsed("dest_ip")?,
            port: self.parsed("dest_port")?,
            status: self.parsed("status")?,
            rule: self.text("rule").map(str::to_owned),
            after: self.parsed("after")?,
            ..Filter::default()
        })
    }

    /// The same question from behind this session on.
    pub(super) fn behind(&self, after: impl Display) -> String {
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(self.0.iter().filter(|(name, _)| name != "after"));
        text.append_pair("after", &after.to_string());
        text.finish()
    }

    fn moment(&self, name: &str) -> Result<Option<Timestamp>, No> {
        let read = |text: &str| moment(text).map_err(|forms| No::Invalid(format!("{name}: {forms}")));
        self.text(name).map(read).transpose()
    }

    fn parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, No> {
        let read = |text: &str| text.parse().map_err(|error| No::Invalid(format!("{name}: {error}")));
        self.text(name).map(read).transpose()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
