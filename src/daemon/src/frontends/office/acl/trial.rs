//! A request that nobody makes, decided in the steps of one that somebody does: the name, then each of its addresses.

use std::net::IpAddr;
use std::sync::Arc;

use acl::{
    Action, AuthMethod, By, Command, Decision, Destination, Explanation, Guard, HostName, Moment, Request, Ruleset,
    Ruling, ServiceId, Services, Target, View, Who,
};
use jiff::Timestamp;

use super::Book;

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

impl Trial<'_> {
    pub(crate) fn run(&self, book: &Book) -> Outcome {
        let rules = book.rules.set();
        let mut hearing = Hearing {
            trial: self,
            view: self.view(book),
            guard: &book.guard,
            moment: book.rules.at(self.at),
            services: accepting(rules, self.services),
            refusing: Vec::new(),
        };
        let asked = hearing.explain(Target::of(self.destination));
        let addresses = match self.destination {
            Destination::Name(name) if asked.decision.verdict == Ruling::Resolve => hearing.addresses(name),
            Destination::Name(_) | Destination::Address(_) => Vec::new(),
        };
        let decision = decisive(&asked, &addresses);
        let is_allowed = match decision.verdict {
            Ruling::Allow => true,
            Ruling::Resolve => decision.by != By::Default || rules.policy().default == Action::Allow,
            Ruling::Deny | Ruling::Ask(_) => false,
        };
        Outcome { is_allowed, decision, asked, addresses, refusing: hearing.refusing }
    }

    /// The words of one decision about the request, or about one of its addresses.
    pub(crate) fn words(&self, book: &Book, target: Target<'_>, explanation: &Explanation) -> Vec<String> {
        let moment = book.rules.at(self.at);
        let request = self.request(target, &moment, Services::default());
        explanation.steps.iter().map(|step| step.words(book.rules.set(), &request)).collect()
    }

    /// The name of somebody in particular.
    pub(super) fn name(&self) -> Option<&str> {
        self.user.filter(|user| *user != "anonymous")
    }

    fn view(&self, book: &Book) -> View {
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

struct Hearing<'h> {
    trial: &'h Trial<'h>,
    view: View,
    guard: &'h Guard,
    moment: Moment,
    services: Services,
    refusing: Vec<ServiceId>,
}

impl Hearing<'_> {
    /// Asks again until no service is left to ask.
    fn explain(&mut self, target: Target<'_>) -> Explanation {
        loop {
            let request = self.trial.request(target, &self.moment, self.services);
            let explanation = self.view.explain(&request, self.guard);
            let Ruling::Ask(service) = explanation.decision.verdict else { return explanation };
            self.services = self.services.refusing(service);
            self.refusing.push(service);
        }
    }

    fn addresses(&mut self, name: &HostName) -> Vec<(IpAddr, Explanation)> {
        let addresses = self.trial.addresses.iter();
        addresses.map(|address| (*address, self.explain(Target::Resolved(name, *address)))).collect()
    }
}

fn accepting(rules: &Ruleset, names: &[String]) -> Services {
    let accepting = rules.services().filter(|(_, name)| names.iter().any(|accepting| accepting == name));
    accepting.fold(Services::default(), |services, (service, _)| services.accepting(service))
}

/// The first address that is allowed, else the first that is not, else what was said of the request itself.
fn decisive(asked: &Explanation, addresses: &[(IpAddr, Explanation)]) -> Decision {
    let mut decisions = addresses.iter().map(|(_, explanation)| explanation.decision);
    let allowed = decisions.clone().find(|decision| decision.verdict == Ruling::Allow);
    allowed.or_else(|| decisions.next()).unwrap_or(asked.decision)
}
