//! How clients log in, seen from inside: by which methods, with whose help, and how that goes.

pub(crate) mod trial;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use nix::unistd::{Gid, Uid};
use serde_json::{Value, json};

use super::Office;
use super::sight::seconds;
use crate::engine::auth::pam::Pam;
use crate::engine::auth::{Memory, pam};
use crate::engine::sys::accounts::user_name;
use crate::frontends::socks::{Door, Way};
use crate::state::logins::{Login, Outcome};
use crate::state::session::facts::AuthMethod;

/// What the numbers of a status are about.
const LATELY: Duration = Duration::from_mins(5);

/// The methods that take time.
const METHODS: [AuthMethod; 3] = [AuthMethod::UserPass, AuthMethod::PamUsername, AuthMethod::PamAddress];

/// What logins need, as far as operators ask about it.
#[derive(Debug)]
pub(crate) struct Gatehouse {
    pam: Arc<Pam>,
    memory: Arc<Memory>,
    /// When operators tried a login lately.
    tried: Mutex<Vec<Instant>>,
}

impl Gatehouse {
    pub(crate) fn new(pam: Arc<Pam>, memory: Arc<Memory>) -> Self {
        Self { pam, memory, tried: Mutex::default() }
    }
}

impl Office {
    /// Methods, PAM's services and helpers, what is remembered, users, and what came of the last logins.
    pub(crate) fn gate(&self) -> Value {
        let regime = self.world.regime();
        let users = &regime.snapshot.users;
        let lately = self.lately();
        let of = |outcome: Outcome| lately.iter().filter(|login| login.result == outcome).count();
        let results: Value =
            Outcome::ALL.iter().map(|outcome| (outcome.word().to_owned(), json!(of(*outcome)))).collect();
        let mut why: BTreeMap<&str, u64> = BTreeMap::new();
        for reason in lately.iter().filter_map(|login| login.why) {
            *why.entry(reason).or_default() += 1;
        }
        let (asked, known) = self.gatehouse.memory.counts();
        json!({
            "listeners": regime.doors.all().map(|door| listener(door)).collect::<Vec<_>>(),
            "services": self.services(),
            "helpers": self.gatehouse.pam.condition().map(|condition| shown(&condition)),
            "methods": METHODS.iter().filter_map(|method| pace(*method, &lately)).collect::<Vec<_>>(),
            "cache": { "life_s": Memory::LIFE.as_secs(), "asked": asked, "known": known },
            "users": { "count": users.all().count(), "gen": users.generation },
            "results": { "for_s": LATELY.as_secs(), "of": results, "why": why },
            "banned": self.world.penalties.turned_away_sources(),
            "runs_as": { "user": user_name(Uid::effective().as_raw().into()), "uid": Uid::effective().as_raw(), "gid": Gid::effective().as_raw() },
        })
    }

    /// Of each PAM service, what its file is now, and who asks it.
    fn services(&self) -> Vec<Value> {
        let regime = self.world.regime();
        let service = |name: &str, file: Option<pam::ServiceFile>| {
            let asks = |way: &&Way| way.service.as_deref() == Some(name);
            let mut used_by: Vec<String> = Vec::new();
            for door in regime.doors.all() {
                used_by.extend(door.ways.iter().filter(asks).map(|way| format!("{} ({})", door.name, way.method)));
            }
            let is_in_rules = regime.snapshot.rules.set().services().any(|(_, known)| known == name);
            used_by.extend(is_in_rules.then(|| "rules".to_owned()));
            let changed = file.as_ref().map(|file| since_1970(file.changed));
            json!({
                "name": name, "state": if file.is_some() { "ok" } else { "missing" },
                "file": file.map(|file| file.path.display().to_string()), "changed": changed, "used_by": used_by,
            })
        };
        self.gatehouse.pam.services().map(|(name, file)| service(name, file)).collect()
    }

    fn lately(&self) -> Vec<Arc<Login>> {
        let from = Timestamp::now().as_microsecond().saturating_sub(i64::try_from(LATELY.as_micros()).unwrap_or(0));
        let mut logins = self.world.logins.behind(0).logins;
        logins.retain(|login| login.at >= from);
        logins
    }
}

fn listener(door: &Door) -> Value {
    let way = |way: &Way| json!({ "method": way.method.to_string(), "service": way.service, "first": way.is_first });
    json!({ "name": &*door.name, "ways": door.ways.iter().map(way).collect::<Vec<_>>() })
}

fn shown(condition: &pam::Condition) -> Value {
    let pam::Condition { helpers, free, waiting, troubles } = condition;
    json!({ "count": helpers, "free": free, "waiting": waiting, "troubles": troubles.iter().copied().collect::<BTreeMap<_, _>>() })
}

/// How long checks by this method took lately; nothing if there was none.
fn pace(method: AuthMethod, lately: &[Arc<Login>]) -> Option<Value> {
    let is_its = |login: &&Arc<Login>| login.method == Some(method);
    let mut took: Vec<u128> = lately.iter().filter(is_its).map(|login| login.took.as_millis()).collect();
    took.sort_unstable();
    let at = |percent: usize| took.get((took.len() * percent / 100).min(took.len().saturating_sub(1))).copied();
    Some(json!({ "method": method.to_string(), "checks": took.len(), "p50_ms": at(50)?, "p95_ms": at(95)? }))
}

fn since_1970(time: SystemTime) -> f64 {
    seconds(Timestamp::try_from(time).map_or(0, Timestamp::as_microsecond))
}
