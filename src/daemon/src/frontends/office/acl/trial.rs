//! A request that nobody makes, decided in the steps of one that somebody does: the name, then each of its addresses.

use std::net::IpAddr;
use std::sync::Arc;

use acl::{
    Action, AuthMethod, By, Command, Decision, Destination, Explanation, Guard, HostName, Moment, Request, Ruleset,
    Ruling, ServiceId, Services, Target, View, Who,
};
use jiff::Timestamp;

use super::Book;
use crate::state::session::facts::ANONYMOUS;

/// Who asks for what, and all that is known of it.
#[derive(Debug)]
pub(crate) struct Trial<'t> {
    pub(crate) user: Option<&'t str>,
    /// Besides those of the files.
    pub(crate) groups: &'t [String],
    pub(crate) destination: &'t Destination,
    /// Of a name.
    pub(crate) addresses: &'t [IpAddr],
    pub(crate) port: u16,
    pub(crate) command: Command,
    pub(crate) source: Option<IpAddr>,
    pub(crate) method: Option<AuthMethod>,
    /// Those that accept the client; the others refuse it.
    pub(crate) services: &'t [String],
    pub(crate) at: Timestamp,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Allowed, at one of its addresses at least, as far as they are known.
    pub(crate) is_allowed: bool,
    /// Of several decisions the one that counts.
    pub(crate) decision: Decision,
    /// Of the name, or of the address that was asked for.
    pub(crate) asked: Explanation,
    /// Of each address of the name.
    pub(crate) addresses: Vec<(IpAddr, Explanation)>,
    /// Services that were taken to refuse the client.
    pub(crate) refusing: Vec<ServiceId>,
}

/// What became of it, without reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Allowed, at one of its addresses at least, as far as they are known.
    pub(crate) is_allowed: bool,
    /// Of several decisions the one that counts.
    pub(crate) decision: Decision,
}

impl Trial<'_> {
    pub(crate) fn run(&self, book: &Book) -> Outcome {
        let view = self.view(book);
        let (Verdict { is_allowed, decision }, Heard { asked, addresses, refusing }) =
            self.hear(book, &view, View::explain);
        Outcome { is_allowed, decision, asked, addresses, refusing }
    }

    /// What becomes of it, without reasons, under rules that look at the client like this.
    pub(crate) fn verdict(&self, book: &Book, view: &View) -> Verdict {
        self.hear(book, view, View::decide).0
    }

    fn hear<S: Said>(
        &self,
        book: &Book,
        view: &View,
        ask: impl Fn(&View, &Request<'_>, &Guard) -> S,
    ) -> (Verdict, Heard<S>) {
        let rules = book.rules.set();
        let mut hearing = Hearing {
            trial: self,
            ask: |request: &Request<'_>| ask(view, request, &book.guard),
            moment: book.rules.at(self.at),
            services: accepting(rules, self.services),
            refusing: Vec::new(),
        };
        let asked = hearing.hear(Target::of(self.destination));
        let addresses = match self.destination {
            Destination::Name(name) if asked.decision().verdict == Ruling::Resolve => hearing.addresses(name),
            Destination::Name(_) | Destination::Address(_) => Vec::new(),
        };
        let decision = decisive(&asked, &addresses);
        let is_allowed = match decision.verdict {
            Ruling::Allow => true,
            Ruling::Resolve => decision.by != By::Default || rules.policy().default == Action::Allow,
            Ruling::Deny | Ruling::Ask(_) => false,
        };
        (Verdict { is_allowed, decision }, Heard { asked, addresses, refusing: hearing.refusing })
    }

    /// The words of one decision about the request, or about one of its addresses.
    pub(crate) fn words(&self, book: &Book, target: Target<'_>, explanation: &Explanation) -> Vec<String> {
        let moment = book.rules.at(self.at);
        let request = self.request(target, &moment, Services::default());
        explanation.steps.iter().map(|step| step.words(book.rules.set(), &request)).collect()
    }

    /// The name of somebody in particular.
    pub(super) fn name(&self) -> Option<&str> {
        self.user.filter(|user| *user != ANONYMOUS)
    }

    /// How these rules look at the client.
    pub(crate) fn view(&self, book: &Book) -> View {
        let rules = book.rules.set();
        let Some(user) = self.name() else {
            return View::new(rules, Who::Anonymous, self.groups.iter().map(String::as_str));
        };
        let of_file: Vec<Arc<str>> = book.groups_of(user);
        View::new(
            rules,
            Who::User(user),
            self.groups.iter().map(String::as_str).chain(of_file.iter().map(|group| &**group)),
        )
    }

    fn request<'r>(&self, target: Target<'r>, moment: &'r Moment, services: Services) -> Request<'r> {
        let method = self.method.unwrap_or(self.name().map_or(AuthMethod::None, |_| AuthMethod::UserPass));
        Request { target, port: self.port, command: self.command, source: self.source, method, moment, services }
    }
}

/// What is said about one target: a decision, with its reasons or without.
trait Said {
    fn decision(&self) -> Decision;
}

impl Said for Decision {
    fn decision(&self) -> Decision {
        *self
    }
}

impl Said for Explanation {
    fn decision(&self) -> Decision {
        self.decision
    }
}

/// Everything that was said.
struct Heard<S> {
    asked: S,
    addresses: Vec<(IpAddr, S)>,
    refusing: Vec<ServiceId>,
}

struct Hearing<'h, A> {
    trial: &'h Trial<'h>,
    ask: A,
    moment: Moment,
    services: Services,
    refusing: Vec<ServiceId>,
}

impl<S: Said, A: Fn(&Request<'_>) -> S> Hearing<'_, A> {
    /// Asks again until no service is left to ask.
    fn hear(&mut self, target: Target<'_>) -> S {
        loop {
            let request = self.trial.request(target, &self.moment, self.services);
            let said = (self.ask)(&request);
            let Ruling::Ask(service) = said.decision().verdict else { return said };
            self.services = self.services.refusing(service);
            self.refusing.push(service);
        }
    }

    fn addresses(&mut self, name: &HostName) -> Vec<(IpAddr, S)> {
        let addresses = self.trial.addresses.iter();
        addresses.map(|address| (*address, self.hear(Target::Resolved(name, *address)))).collect()
    }
}

fn accepting(rules: &Ruleset, names: &[String]) -> Services {
    let accepting = rules.services().filter(|(_, name)| names.iter().any(|accepting| accepting == name));
    accepting.fold(Services::default(), |services, (service, _)| services.accepting(service))
}

/// The first address that is allowed, else the first that is not, else what was said of the request itself.
fn decisive<S: Said>(asked: &S, addresses: &[(IpAddr, S)]) -> Decision {
    let mut decisions = addresses.iter().map(|(_, said)| said.decision());
    let allowed = decisions.clone().find(|decision| decision.verdict == Ruling::Allow);
    allowed.or_else(|| decisions.next()).unwrap_or(asked.decision())
}
