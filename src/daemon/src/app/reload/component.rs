//! The components of a reload: what was found in each text, and what of it can be applied together with the others.
//!
//! A further one is an implementation of `Component`, a field of `News`, and a line in each function that goes through them.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::{Acl, Loaded, Policy, Settings};
use wire::DocumentKind;

use super::InForce;
use crate::app::acl::test;
use crate::app::certificate::{Certificate, Files, Listening, OfApi, OfMetrics};
use crate::app::configuration;
use crate::app::delivery::{Delivered, Delivery, Text};
use crate::app::effective;
use crate::app::regimes::Basis;
use crate::state::reloads::report::{Effect, Outcome};
use crate::state::rules::Rules;
use crate::state::tokens::Tokens;
use crate::state::users::Users;

/// Something that is made of the settings and of a file that they name.
pub(in crate::app) trait Component: Sized + Debug {
    /// Which text it is made of.
    const KIND: DocumentKind;

    /// A second text: another part of it, or tests that it has to pass. It is judged again when this changes.
    const BESIDE: Option<DocumentKind>;

    /// Everything in the settings that it depends on.
    type Settings: Clone + PartialEq + Debug;

    fn settings(settings: &Settings) -> Self::Settings;

    /// Makes it, without texts if the settings name none, to take the place of another one, if there is one.
    fn make(settings: &Settings, texts: Texts<'_>, former: Option<&Self>) -> anyhow::Result<Self>;
}

/// The text of a component and the one beside it, as far as there are any.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) struct Texts<'a> {
    text: Option<&'a Text>,
    beside: Option<&'a Text>,
}

impl Component for Users {
    const KIND: DocumentKind = DocumentKind::Users;

    const BESIDE: Option<DocumentKind> = None;

    type Settings = Option<PathBuf>;

    fn settings(settings: &Settings) -> Self::Settings {
        configuration::needed_users(settings).map(Path::to_owned)
    }

    fn make(settings: &Settings, texts: Texts<'_>, _former: Option<&Self>) -> anyhow::Result<Self> {
        configuration::users(settings, texts.text)
    }
}

impl Component for Rules {
    const KIND: DocumentKind = DocumentKind::Rules;

    const BESIDE: Option<DocumentKind> = Some(DocumentKind::RuleTests);

    type Settings = (Acl, Policy);

    fn settings(settings: &Settings) -> Self::Settings {
        (settings.acl.clone(), settings.guard.private_by_name)
    }

    fn make(settings: &Settings, texts: Texts<'_>, former: Option<&Self>) -> anyhow::Result<Self> {
        let written = configuration::rules(settings, texts.text)?;
        let rules = written.tested_by(texts.beside.map(|tests| &*tests.text));
        Ok(match former {
            Some(former) => rules.after(former),
            None => rules,
        })
    }
}

impl Component for Tokens {
    const KIND: DocumentKind = DocumentKind::Tokens;

    const BESIDE: Option<DocumentKind> = None;

    type Settings = Option<PathBuf>;

    fn settings(settings: &Settings) -> Self::Settings {
        configuration::needed_tokens(settings).map(Path::to_owned)
    }

    fn make(settings: &Settings, texts: Texts<'_>, _: Option<&Self>) -> anyhow::Result<Self> {
        configuration::tokens(settings, texts.text)
    }
}

impl<L: Listening> Component for Certificate<L> {
    const KIND: DocumentKind = L::CERTIFICATE;

    const BESIDE: Option<DocumentKind> = Some(L::KEY);

    type Settings = Option<Files>;

    fn settings(settings: &Settings) -> Self::Settings {
        L::files(settings)
    }

    fn make(settings: &Settings, texts: Texts<'_>, _: Option<&Self>) -> anyhow::Result<Self> {
        Self::read(settings, texts.text, texts.beside)
    }
}

/// A component as it is, and what it was made of.
#[derive(Debug)]
pub(in crate::app) struct Named<C: Component> {
    pub(in crate::app) value: Arc<C>,
    settings: C::Settings,
    /// The generation of the text, if there is one.
    generation: Option<u64>,
    beside: Option<Text>,
}

/// What was found in one text.
#[derive(Debug)]
pub(super) enum Found<T> {
    Same,
    /// The same text is another thing under other settings.
    Remade(T),
    New {
        value: T,
        effect: Effect,
    },
    Failed(Vec<String>),
}

/// All that a reload brings.
#[derive(Debug)]
pub(super) struct News {
    /// That of the configuration, if there is another one.
    pub(super) text: Option<Arc<str>>,
    pub(super) configuration: Found<Settings>,
    /// The configuration as it was read.
    pub(super) loaded: Option<Loaded>,
    pub(super) users: Found<Named<Users>>,
    pub(super) rules: Found<Named<Rules>>,
    pub(super) tokens: Found<Named<Tokens>>,
    pub(super) of_api: Found<Named<Certificate<OfApi>>>,
    pub(super) of_metrics: Found<Named<Certificate<OfMetrics>>>,
}

impl<T> Found<T> {
    pub(super) fn value(&self) -> Option<&T> {
        match self {
            Self::New { value, .. } | Self::Remade(value) => Some(value),
            Self::Same | Self::Failed(_) => None,
        }
    }

    /// The same if `check` has nothing against it.
    pub(super) fn unless(self, check: impl FnOnce(&T) -> anyhow::Result<()>) -> Self {
        match self.value().map_or(Ok(()), check) {
            Ok(()) => self,
            Err(error) => Self::failed(&format!("{error:#}")),
        }
    }

    fn failed(problems: &str) -> Self {
        Self::Failed(problems.lines().map(str::to_owned).collect())
    }

    fn outcome(&self) -> Outcome {
        match self {
            Self::Same | Self::Remade(_) => Outcome::Same,
            Self::New { effect, .. } => Outcome::Applied(effect.clone()),
            Self::Failed(problems) => Outcome::Failed(problems.clone()),
        }
    }

    /// Replaces what is in force, if there is something new.
    fn settle(self, in_force: &mut T) {
        match self {
            Self::New { value, .. } | Self::Remade(value) => *in_force = value,
            Self::Same | Self::Failed(_) => {}
        }
    }
}

impl Found<Settings> {
    /// Reads a configuration; what cannot change while the service runs stays as it is.
    pub(super) fn configuration(in_force: &InForce, delivered: Option<Delivered>) -> (Self, Option<Loaded>) {
        let text = match delivered {
            None => return (Self::Same, None),
            Some(Err(reason)) => return (Self::failed(&reason), None),
            Some(Ok(text)) => text.text,
        };
        let loaded = match configuration::load(&in_force.selection, Some(&text)) {
            Ok(loaded) => loaded,
            Err(error) => return (Self::failed(&format!("{error:#}")), None),
        };
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let mut value = loaded.settings.clone();
        let needs_restart = value.keep_fixed(&in_force.first).keys;
        let changes = value.changes(&in_force.settings).keys;
        (Self::New { value, effect: Effect { changes, needs_restart } }, Some(loaded))
    }
}

impl<C: Component> Named<C> {
    /// As it is when a worker starts. It has passed its tests; some that go by the clock might fail now.
    pub(in crate::app) fn first(settings: &Settings, delivery: &mut Delivery) -> anyhow::Result<Self> {
        let (text, beside) = Self::texts(delivery).map_err(anyhow::Error::msg)?;
        Self::make(settings, text.as_ref(), beside, None)
    }

    /// Its text and the one beside it, as far as they were delivered.
    fn texts(delivery: &mut Delivery) -> Result<(Option<Text>, Option<Text>), String> {
        let text = delivery.take(C::KIND).transpose();
        let beside = C::BESIDE.and_then(|kind| delivery.take(kind)).transpose();
        Ok((text?, beside?))
    }

    /// What it is under these settings, of which there may be others than before, and with the text that was delivered.
    pub(super) fn find(&self, settings: &Settings, delivery: &mut Delivery) -> Found<Self> {
        let (text, beside) = match Self::texts(delivery) {
            Ok(texts) => texts,
            Err(reason) => return Found::failed(&reason),
        };
        let is_same = |now: Option<&Text>, then| now.is_none_or(|text| Some(text.generation) == then);
        let beside_it = self.beside.as_ref().map(|text| text.generation);
        let is_same_text = is_same(text.as_ref(), self.generation) && is_same(beside.as_ref(), beside_it);
        if is_same_text && C::settings(settings) == self.settings {
            return Found::Same;
        }
        match Self::make(settings, text.as_ref(), beside, Some(&*self.value)) {
            Ok(value) if is_same_text => Found::Remade(value),
            Ok(value) => Found::New { value, effect: Effect::default() },
            Err(error) => Found::failed(&format!("{error:#}")),
        }
    }

    fn make(
        settings: &Settings,
        text: Option<&Text>,
        beside: Option<Text>,
        former: Option<&C>,
    ) -> anyhow::Result<Self> {
        let value = Arc::new(C::make(settings, Texts { text, beside: beside.as_ref() }, former)?);
        Ok(Self { value, settings: C::settings(settings), generation: text.map(|text| text.generation), beside })
    }

    /// As it will be.
    pub(super) fn or<'a>(&'a self, found: &'a Found<Self>) -> &'a Self {
        found.value().unwrap_or(self)
    }

    /// Whether it will be what these settings ask for.
    fn fits(&self, found: &Found<Self>, settings: &Settings) -> bool {
        self.or(found).settings == C::settings(settings)
    }

    /// Gives up what belongs to settings that were not taken.
    fn stay_with(&self, found: &mut Found<Self>, settings: &Settings) {
        if !self.fits(found, settings) {
            *found = Found::failed("not looked at: it belongs to a configuration that was not taken");
        }
    }
}

impl Named<Rules> {
    /// Whether the rules pass their tests with these users.
    pub(super) fn pass(&self, settings: &Settings, users: &Arc<Users>) -> anyhow::Result<()> {
        test::verify(settings, &self.value, users, self.beside.as_ref())
    }
}

impl News {
    /// What a regime is to be built from.
    pub(super) fn basis<'a>(&'a self, in_force: &'a InForce, generation: u64) -> Basis<'a> {
        Basis {
            settings: self.settings(in_force),
            users: &in_force.users.or(&self.users).value,
            rules: &in_force.rules.or(&self.rules).value,
            generation,
        }
    }

    /// Gives up what cannot be without the other: a configuration without a file that it names, and the other way round.
    pub(super) fn agree(&mut self, in_force: &InForce) {
        let settings = self.settings(in_force);
        let fits = [
            (Users::KIND, in_force.users.fits(&self.users, settings)),
            (Rules::KIND, in_force.rules.fits(&self.rules, settings)),
            (Tokens::KIND, in_force.tokens.fits(&self.tokens, settings)),
            (OfApi::CERTIFICATE, in_force.of_api.fits(&self.of_api, settings)),
            (OfMetrics::CERTIFICATE, in_force.of_metrics.fits(&self.of_metrics, settings)),
        ];
        let missing: Vec<&str> = fits.iter().filter(|(_, fits)| !fits).map(|(kind, _)| kind.name()).collect();
        if !missing.is_empty() && self.configuration.value().is_some() {
            let problem = format!("cannot be applied without what failed: {}", missing.join(", "));
            self.configuration = Found::failed(&problem);
        }
        let Self { text: _, configuration, loaded: _, users, rules, tokens, of_api, of_metrics } = self;
        let settings = configuration.value().unwrap_or(&in_force.settings);
        in_force.users.stay_with(users, settings);
        in_force.rules.stay_with(rules, settings);
        in_force.tokens.stay_with(tokens, settings);
        in_force.of_api.stay_with(of_api, settings);
        in_force.of_metrics.stay_with(of_metrics, settings);
    }

    /// Something is new.
    pub(super) fn is_any(&self) -> bool {
        let Self { text: _, configuration, loaded: _, users, rules, tokens, of_api, of_metrics } = self;
        let is_regime_new = configuration.value().is_some() || users.value().is_some() || rules.value().is_some();
        let is_certificate_new = of_api.value().is_some() || of_metrics.value().is_some();
        is_regime_new || tokens.value().is_some() || is_certificate_new
    }

    /// It says something new of who may go where; sessions that are in keep what other changes leave alone.
    pub(super) fn may_revoke(&self, in_force: &InForce) -> bool {
        let guard = &self.settings(in_force).guard;
        self.users.value().is_some() || self.rules.value().is_some() || *guard != in_force.settings.guard
    }

    /// No regime can be made of it. Only the configuration asks for what a host may not have.
    pub(super) fn blame(&mut self, error: &anyhow::Error) {
        let problem = format!("{error:#}");
        if self.configuration.value().is_some() {
            self.configuration = Found::failed(&problem);
        } else {
            (self.users, self.rules) = (Found::failed(&problem), Found::failed(&problem));
        }
    }

    pub(super) fn outcomes(&self) -> Vec<(DocumentKind, Outcome)> {
        vec![
            (DocumentKind::Configuration, self.configuration.outcome()),
            (Users::KIND, self.users.outcome()),
            (Rules::KIND, self.rules.outcome()),
            (Tokens::KIND, self.tokens.outcome()),
            (OfApi::CERTIFICATE, self.of_api.outcome()),
            (OfMetrics::CERTIFICATE, self.of_metrics.outcome()),
        ]
    }

    /// Puts what is new in the place of what was in force.
    pub(super) fn settle(self, in_force: &mut InForce) {
        let Self { text, configuration, loaded, users, rules, tokens, of_api, of_metrics } = self;
        let is_new = configuration.value().is_some();
        if let Some(text) = text.filter(|_| is_new) {
            in_force.plan.is_in_force(&text);
        }
        configuration.settle(&mut in_force.settings);
        if let Some(loaded) = loaded.filter(|_| is_new) {
            in_force.effective.store(Arc::new(effective::of(&in_force.selection, &loaded, &in_force.settings)));
        }
        users.settle(&mut in_force.users);
        rules.settle(&mut in_force.rules);
        tokens.settle(&mut in_force.tokens);
        of_api.settle(&mut in_force.of_api);
        of_metrics.settle(&mut in_force.of_metrics);
    }

    /// The settings that will be in force.
    fn settings<'a>(&'a self, in_force: &'a InForce) -> &'a Settings {
        self.configuration.value().unwrap_or(&in_force.settings)
    }
}
