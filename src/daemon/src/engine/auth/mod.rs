//! Who may in. A backend turns what a client brings into a [`Identity`], or says why not.
//!
//! The handshake knows no backend and no backend knows the handshake, so a further one touches neither.

mod anonymous;
pub(crate) mod counted;
mod entrance;
pub(crate) mod pam;
pub(crate) mod password;
mod slates;
mod success;
pub(crate) mod turns;
mod userpass;
mod vouchers;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use acl::ServiceId;

use self::anonymous::Anonymous;
use self::counted::{Checks, Counted};
pub(crate) use self::entrance::Entrance;
use self::pam::{Pam, PamAddress, PamUsername};
use self::slates::Slates;
pub(crate) use self::success::Memory;
use self::userpass::UserPass;
pub(crate) use self::vouchers::Vouchers;
use crate::engine::sys::pool::{Order, Pool, Urgency};
use crate::state::penalties::Rank;
pub(crate) use crate::state::session::facts::Credentials;
use crate::state::session::facts::{AuthMethod, Identity};
use crate::state::session::refusal::Refusal;
use crate::state::session::ticket::Session;

/// One way to find out who a client is.
pub(crate) trait Backend: fmt::Debug + Send + Sync {
    fn method(&self) -> AuthMethod;

    /// Judges what the client brings; without credentials there are only the session's own facts, first of all its origin.
    /// May take its time, but must not block the thread; a caller that stops waiting drops the answer.
    fn check<'a>(&'a self, session: &'a Session, credentials: Option<&'a Credentials>) -> Checked<'a>;
}

/// What a check comes to.
pub(crate) type Checked<'a> = Pin<Box<dyn Future<Output = Result<Identity, Failure>> + Send + 'a>>;

/// Why a client was not let in. The client learns nothing of it but what [`Refusal`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Failure {
    /// No backend knows the name.
    UnknownUser,
    WrongPassword,
    /// The password is right and the account disabled, locked or expired.
    AccountUnusable,
    /// The address is not welcome, whoever it is.
    AddressRefused,
    /// It could not be found out now: too much is waiting, or a helper failed.
    Unavailable,
}

/// What all backends of the house share.
#[derive(Debug)]
pub(crate) struct Backends {
    anonymous: Arc<Anonymous>,
    userpass: Arc<Counted<UserPass>>,
    /// The same without a memory, for those who only try.
    forgetful: Arc<UserPass>,
    memory: Arc<Memory>,
    pam: Arc<Pam>,
    checks: Arc<Checks>,
}

impl Backends {
    /// Half of the cores may check passwords, the rest is for the relays.
    /// `waiting` is how many claims may wait for their turn; each is a handshake, so their bound and their deadline hold here too.
    ///
    /// # Errors
    /// No thread can be started, or the system has no randomness.
    pub(crate) fn new(waiting: usize, pam: Arc<Pam>, checks: &Arc<Checks>) -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // argon2 takes tens of milliseconds and 19 MiB: never on a relay's thread, and never without bound.
        let hashing = Pool::start("auth", (cores / 2).max(1), waiting, Order::NewestFirst)?;
        let (slates, memory) = (Arc::new(Slates::new(hashing)), Arc::new(Memory::new()?));
        let userpass = Counted::new(UserPass::new(Arc::clone(&slates), Some(Arc::clone(&memory))), checks);
        let forgetful = Arc::new(UserPass::new(slates, None));
        let checks = Arc::clone(checks);
        Ok(Self { anonymous: Arc::new(Anonymous), userpass: Arc::new(userpass), forgetful, memory, pam, checks })
    }

    /// The entrance of a listener with these methods, in order of preference, and this PAM service.
    pub(crate) fn entrance(&self, methods: impl Iterator<Item = AuthMethod>, pam_service: &str) -> Entrance {
        Entrance::new(methods.map(|method| self.of(method, pam_service)).collect())
    }

    /// The same for operators who try names and passwords: what is found out is neither counted nor remembered.
    pub(crate) fn trial(&self, methods: impl Iterator<Item = AuthMethod>, pam_service: &str) -> Entrance {
        let backend = |method| match method {
            AuthMethod::None | AuthMethod::PamAddress => None,
            AuthMethod::UserPass => Some(Arc::clone(&self.forgetful) as Arc<dyn Backend>),
            AuthMethod::PamUsername => Some(Arc::new(PamUsername::new(&self.pam, pam_service)) as Arc<dyn Backend>),
        };
        Entrance::new(methods.filter_map(backend).collect())
    }

    /// The passwords that need not be checked again for a while.
    pub(crate) fn memory(&self) -> Arc<Memory> {
        Arc::clone(&self.memory)
    }

    /// Those who are asked about clients on behalf of rules, one for each PAM service that the rules name.
    pub(crate) fn vouchers<'n>(&self, services: impl Iterator<Item = (ServiceId, &'n str)>) -> Vouchers {
        let of = |method, service| self.of(method, service);
        let voucher = |(id, name)| (id, of(AuthMethod::PamUsername, name), of(AuthMethod::PamAddress, name));
        Vouchers::new(services.map(voucher).collect())
    }

    /// The backend of one method; the service is for those that ask PAM.
    pub(crate) fn of(&self, method: AuthMethod, pam_service: &str) -> Arc<dyn Backend> {
        match method {
            AuthMethod::None => Arc::clone(&self.anonymous) as Arc<dyn Backend>,
            AuthMethod::UserPass => Arc::clone(&self.userpass) as Arc<dyn Backend>,
            AuthMethod::PamAddress => Arc::new(Counted::new(PamAddress::new(&self.pam, pam_service), &self.checks)),
            AuthMethod::PamUsername => Arc::new(Counted::new(PamUsername::new(&self.pam, pam_service), &self.checks)),
        }
    }
}

/// While strangers guess, whoever logged in lately from where he is does not wait for them.
fn urgency(session: &Session) -> Urgency {
    match session.rank() {
        Rank::Known => Urgency::High,
        Rank::Clean => Urgency::Usual,
        Rank::Suspect => Urgency::Low,
    }
}

impl Failure {
    const ALL: [Self; 5] =
        [Self::UnknownUser, Self::WrongPassword, Self::AccountUnusable, Self::AddressRefused, Self::Unavailable];

    /// The stable word for logs and metrics, which nobody but the operator reads.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::UnknownUser => "unknown_user",
            Self::WrongPassword => "wrong_password",
            Self::AccountUnusable => "account_unusable",
            Self::AddressRefused => "address_refused",
            Self::Unavailable => "unavailable",
        }
    }
}

impl From<Failure> for Refusal {
    /// Whoever guesses must not learn what was wrong.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::UnknownUser | Failure::WrongPassword | Failure::AccountUnusable => Self::BadCredentials,
            Failure::AddressRefused => Self::AddressRefused,
            Failure::Unavailable => Self::AuthUnavailable,
        }
    }
}
