//! Operations on rules before they count: drafts, what they would change, and their way into force and back.

use serde_json::Value;
use wire::admin::{Code, Refusal};

use super::conversation::Parameters;
use super::desk::{Asker, Desk};
use crate::frontends::office::Operation;
use crate::frontends::office::policy::Order;

/// The store that can be edited through this socket; a request need not name it.
const STORE: &str = "acl";

/// Asks what the office knows by the same name.
pub(super) fn ask(op: &str, desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    if let Some(store) = p.get("store").filter(|store| *store != STORE) {
        return Err(Refusal::new(Code::Unavailable, format!("store: {store} cannot be edited here, only {STORE:?}")));
    }
    let order = [("op".to_owned(), op.into()), ("p".to_owned(), p.into())].into_iter().collect();
    let order = serde_json::from_value::<Order>(Value::Object(order));
    let order = order.map_err(|error| Refusal::new(Code::BadRequest, format!("p: {error}")))?;
    desk.perform(asker, Operation::Policy(Box::new(order)))
}
