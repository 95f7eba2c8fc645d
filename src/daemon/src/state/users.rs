//! The users of the users file, ready to be found. Whoever checks passwords is elsewhere.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use argon2::Params;
use argon2::password_hash::phc::PasswordHash;
use config::users::{QuotaAmount, UserLimits};
use jiff::Timestamp;

use super::limits::allowance::{Bound, Portion};
use super::session::facts::User;

/// The users of one text of the users file; without one there are none.
#[derive(Debug, Default)]
pub(crate) struct Users {
    /// The reload that brought the text: whatever is remembered of its users holds for this one only.
    pub(crate) generation: u64,
    known: HashMap<Box<[u8]>, Known>,
    /// What an unknown name is checked against, to take as long as a known one: the hash that costs most.
    costliest: Option<PasswordHash>,
    /// What they were read from, if they were written.
    text: Option<Text>,
}

/// It has everybody's password hash and is shown to nobody by chance.
struct Text(Arc<str>);

/// One `[[users]]` table.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) user: User,
    pub(crate) hash: PasswordHash,
    is_enabled: bool,
    expires: Option<Timestamp>,
    limits: UserLimits,
    quotas: Vec<QuotaAmount>,
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(…)")
    }
}

/// A hash that argon2 cannot use.
#[derive(Debug, thiserror::Error)]
#[error("the password hash of user {user:?} cannot be used: {cause}; make a new one with `rustsocks hash-password`")]
pub(crate) struct BadHash {
    user: String,
    cause: argon2::password_hash::phc::Error,
}

impl Users {
    /// # Errors
    /// A hash is not a PHC string.
    pub(crate) fn new(generation: u64, users: &config::users::Users) -> Result<Self, BadHash> {
        let known = users.as_slice().iter().map(|user| Ok((user.name.as_str().as_bytes().into(), Known::new(user)?)));
        let known = known.collect::<Result<HashMap<_, Known>, _>>()?;
        let costliest = known.values().map(|known| &known.hash).max_by_key(|hash| cost(hash)).cloned();
        Ok(Self { generation, known, costliest, text: None })
    }

    /// The same, read from this text.
    #[must_use]
    pub(crate) fn written_as(self, text: &Arc<str>) -> Self {
        Self { text: Some(Text(Arc::clone(text))), ..self }
    }

    /// What they were read from, if they were written; it has everybody's password hash.
    pub(crate) fn text(&self) -> Option<&Arc<str>> {
        self.text.as_ref().map(|text| &text.0)
    }

    /// There is no users file.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub(crate) fn count(&self) -> usize {
        self.known.len()
    }

    /// Whether a user has a bandwidth limit of his own.
    pub(crate) fn limit_bandwidth(&self) -> bool {
        self.known
            .values()
            .any(|known| known.limits.bandwidth.is_some_and(|rates| rates.up.bytes() > 0 || rates.down.bytes() > 0))
    }

    /// Everybody, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Known> {
        self.known.values()
    }

    /// The user of this name, as the client sent it.
    pub(crate) fn find(&self, name: &[u8]) -> Option<&Known> {
        self.known.get(name)
    }

    /// The hash to spend as much time on as on any user's; `None` when there are no users.
    pub(crate) fn decoy(&self) -> Option<&PasswordHash> {
        self.costliest.as_ref()
    }
}

impl Known {
    fn new(user: &config::users::User) -> Result<Self, BadHash> {
        let name = user.name.as_str();
        let hash =
            PasswordHash::new(user.password_hash.expose()).map_err(|cause| BadHash { user: name.to_owned(), cause })?;
        let groups = user.groups.iter().map(|group| group.as_str().into()).collect();
        let expires = user.expires.map(config::users::Expiry::timestamp);
        Ok(Self {
            user: User { name: name.into(), groups },
            hash,
            is_enabled: user.enabled,
            expires,
            limits: user.limits,
            quotas: user.quotas.clone(),
        })
    }

    /// What the password is kept as: by which function, with how much memory in KiB, in how many passes.
    pub(crate) fn kept_as(&self) -> (String, Option<u32>, Option<u32>) {
        let params = Params::try_from(&self.hash).ok();
        let costs = params.map(|params| (params.m_cost(), params.t_cost())).unzip();
        (self.hash.algorithm.to_string(), costs.0, costs.1)
    }

    /// From when on the user may log in no more, if that is said.
    pub(crate) fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// Whether the user may log in at all.
    pub(crate) fn is_usable(&self, now: Timestamp) -> bool {
        self.is_enabled && self.expires.is_none_or(|expires| now < expires)
    }

    /// How many bytes of a quota the users file says that the user has, where 0 is no limit; nothing if it says nothing of it.
    pub(crate) fn quota(&self, name: &str) -> Option<u64> {
        self.quotas.iter().find(|amount| amount.quota.as_str() == name).map(|amount| amount.amount.bytes())
    }

    /// What the users file says that the user may have.
    pub(crate) fn portion(&self) -> Portion {
        let UserLimits {
            max_connections,
            max_sources,
            max_age_secs,
            idle_secs,
            half_closed_secs,
            udp_idle_secs,
            bandwidth,
            guaranteed,
            priority,
            burst_kib,
        } = self.limits;
        let [at_once, sources, max_age, idle, half_closed, udp_idle] =
            [max_connections, max_sources, max_age_secs, idle_secs, half_closed_secs, udp_idle_secs]
                .map(|number| number.map(Bound::written));
        let rate = |rate: config::Rate| Bound::written(rate.bytes());
        Portion {
            at_once,
            sources,
            max_age,
            idle,
            half_closed,
            udp_idle,
            up: bandwidth.map(|rates| rate(rates.up)),
            down: bandwidth.map(|rates| rate(rates.down)),
            guaranteed: guaranteed.map(config::Rate::bytes),
            priority,
            burst: burst_kib.map(|kib| u64::from(kib) * 1024),
        }
    }
}

/// How much work checking a password against `stored` is: memory times passes.
fn cost(stored: &PasswordHash) -> u64 {
    Params::try_from(stored).map_or(0, |params| u64::from(params.m_cost()) * u64::from(params.t_cost()))
}
