//! Every route, in one table: it says what is answered, who may ask, what is counted, and what the documents say.

use config::tokens::Scope;

use super::handlers::{self, Handler};
use super::problem::Problem;
use super::query::Parameter;

#[derive(Debug)]
pub(super) struct Route {
    pub(super) method: &'static str,
    /// At most one segment is a name in braces, for which any segment may stand.
    pub(super) path: &'static str,
    pub(super) needs: Needs,
    pub(super) listeners: Listeners,
    pub(super) pace: Pace,
    /// Runs on a thread of its own.
    pub(super) handler: Handler,
    pub(super) description: &'static str,
    pub(super) parameters: &'static [Parameter],
    /// The schema of the body that it takes.
    pub(super) body: Option<&'static str>,
    pub(super) answer: Shape,
    /// Refusals that belong to this route, besides those that all have.
    pub(super) refusals: &'static [u16],
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    /// A token with at least this scope, on the API's listener.
    Token(Scope),
}

/// Where it can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listeners {
    Both,
    ApiOnly,
}

/// How long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    Quick,
    /// It reads the history, and never holds up what is quick.
    Slow,
    /// It waits for what others do, and holds up neither.
    Patient,
}

/// What it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Page,
    /// JSON of this schema.
    Json(&'static str),
}

/// Which listener a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listener {
    Metrics,
    Api,
}

const LIMIT: Parameter = parameter("limit", "Limit", "how many at most");
const AFTER: Parameter = parameter("after", "SessionId", "go on behind this session, the last one of the page before");
const USER: Parameter = parameter("user", "Text", "only sessions of this user");
const HOURS: Parameter = parameter("hours", "Hours", "only sessions that began within so many hours; not with start");
const START: Parameter = parameter("start", "Moment", "only sessions that began then or later; not with hours");
const END: Parameter =
    parameter("end", "Moment", "only sessions that began before then; the moment itself is not in it");
const DEST: Parameter = parameter(
    "dest_ip",
    "Destination",
    "only sessions to this address, network or name, or to names below it (*.example.com)",
);
const PORT: Parameter = parameter("dest_port", "Port", "only sessions to this port");
const STATUS: Parameter = parameter("status", "Status", "only sessions with this status");
const RULE: Parameter =
    parameter("rule", "Text", "only sessions that were decided by a rule with this in its name or description");
const BY: Parameter = Parameter {
    is_required: true,
    ..parameter("by", "By", "what sessions are put together by; hours and days are those of their start, in UTC")
};
const OFFSET: Parameter = parameter("after", "Offset", "leave so many out, as next of the page before says");

const ACTIVE: &[Parameter] = &[USER, LIMIT, AFTER];
const HISTORY: &[Parameter] = &[USER, HOURS, START, END, DEST, PORT, STATUS, RULE, LIMIT, AFTER];
const OF_USER: &[Parameter] = &[HOURS, START, END, DEST, PORT, STATUS, RULE, LIMIT, AFTER];
const STATISTICS: &[Parameter] = &[USER, HOURS, START, END, DEST, PORT, STATUS, RULE];
const SUMS: &[Parameter] = &[BY, USER, HOURS, START, END, DEST, PORT, STATUS, RULE, LIMIT];
const QUOTAS: &[Parameter] = &[parameter("user", "Text", "only quotas of this user"), LIMIT];
const RULES: &[Parameter] = &[LIMIT, OFFSET];

const fn parameter(name: &'static str, schema: &'static str, description: &'static str) -> Parameter {
    Parameter { name, schema, description, is_required: false }
}

const fn open(path: &'static str, handler: Handler, answer: Shape, description: &'static str) -> Route {
    Route {
        method: "GET",
        path,
        needs: Needs::Nothing,
        listeners: Listeners::Both,
        pace: Pace::Quick,
        handler,
        description,
        parameters: &[],
        body: None,
        answer,
        refusals: &[],
    }
}

const fn read(path: &'static str, handler: Handler, answer: &'static str, description: &'static str) -> Route {
    Route {
        needs: Needs::Token(Scope::Read),
        listeners: Listeners::ApiOnly,
        answer: Shape::Json(answer),
        ..open(path, handler, Shape::Text, description)
    }
}

const fn order(path: &'static str, handler: Handler, description: &'static str) -> Route {
    Route {
        method: "POST",
        needs: Needs::Token(Scope::Admin),
        pace: Pace::Patient,
        refusals: &[422],
        ..read(path, handler, "Reload", description)
    }
}

/// What operators order with a body of the first schema.
const fn change(
    path: &'static str,
    handler: Handler,
    (body, answer): (&'static str, &'static str),
    description: &'static str,
) -> Route {
    Route {
        method: "POST",
        needs: Needs::Token(Scope::Operate),
        body: Some(body),
        ..read(path, handler, answer, description)
    }
}

pub(super) static ROUTES: [Route; 25] = [
    open("/", handlers::index, Shape::Text, "this list"),
    Route {
        needs: Needs::Token(Scope::Read),
        ..open("/metrics", handlers::metrics, Shape::Text, "everything that is counted, in Prometheus' text format")
    },
    open(
        "/health",
        handlers::health,
        Shape::Json("Health"),
        "200 while this process answers, with what is not as it should be",
    ),
    open("/health/live", handlers::live, Shape::Json("Live"), "200 while this process answers"),
    Route {
        refusals: &[503],
        ..open(
            "/health/ready",
            handlers::ready,
            Shape::Json("Ready"),
            "200 while new clients are welcome, 503 with the reasons while they are not",
        )
    },
    Route {
        listeners: Listeners::ApiOnly,
        ..open("/api/docs", handlers::documentation, Shape::Page, "the API for people")
    },
    Route {
        listeners: Listeners::ApiOnly,
        ..open("/api/openapi.json", handlers::openapi, Shape::Json("OpenApi"), "the API for programs (OpenAPI 3.1)")
    },
    read("/stats", handlers::statistics, "Statistics", "what happens now and what happened today"),
    Route {
        parameters: STATISTICS,
        pace: Pace::Slow,
        refusals: &[404, 422],
        ..read(
            "/api/sessions/stats",
            handlers::statistics_of,
            "Statistics",
            "the same as /stats, or of the sessions in the history that the parameters let through",
        )
    },
    Route {
        parameters: SUMS,
        pace: Pace::Slow,
        refusals: &[404, 422],
        ..read("/api/sessions/sums", handlers::sums, "Sums", "sessions of the history, summed up")
    },
    Route {
        parameters: ACTIVE,
        ..read("/api/sessions/active", handlers::active, "LiveSessions", "sessions that are in now, the latest first")
    },
    Route {
        parameters: HISTORY,
        pace: Pace::Slow,
        refusals: &[404],
        ..read("/api/sessions/history", handlers::history, "Sessions", "sessions of the history, the latest first")
    },
    Route {
        pace: Pace::Slow,
        refusals: &[404],
        ..read("/api/sessions/{id}", handlers::session, "AnySession", "one session, whether it is in or over")
    },
    Route {
        method: "DELETE",
        needs: Needs::Token(Scope::Operate),
        refusals: &[404],
        ..read("/api/sessions/{id}", handlers::end_session, "Ended", "ends a session at once, whatever it does")
    },
    Route {
        parameters: OF_USER,
        pace: Pace::Slow,
        refusals: &[404],
        ..read(
            "/api/users/{user}/sessions",
            handlers::of_user,
            "Sessions",
            "sessions of one user in the history, the latest first",
        )
    },
    Route {
        parameters: RULES,
        ..read("/api/acl/rules", handlers::rules, "Rules", "the rules in force, in the order of the file")
    },
    Route {
        method: "POST",
        body: Some("Question"),
        refusals: &[422],
        ..read("/api/acl/test", handlers::test_request, "Verdict", "what the rules in force would say to a request")
    },
    Route {
        parameters: QUOTAS,
        ..read(
            "/api/limits/quotas",
            handlers::quotas,
            "Quotas",
            "how far quotas are used up, the nearest to its end first",
        )
    },
    read(
        "/api/limits/concessions",
        handlers::concessions,
        "Concessions",
        "what operators let somebody have for a while",
    ),
    change("/api/limits/grants", handlers::grant, ("Grant", "Concession"), "grants more of a quota until some moment"),
    change(
        "/api/limits/overrides",
        handlers::lay_over,
        ("Override", "Concession"),
        "lets another rate or number of sessions hold until some moment",
    ),
    change("/api/limits/reset", handlers::reset, ("Reset", "Voided"), "makes void what was granted and overridden"),
    Route {
        refusals: &[404],
        ..read("/api/admin/reload", handlers::last_reload, "Reload", "what came of the last reload")
    },
    order("/api/admin/reload", handlers::reload, "reads every file anew, and waits for what comes of it"),
    order("/api/admin/reload-acl", handlers::reload_rules, "the same with the rules alone"),
];

impl Route {
    /// The path with this segment in the place of the name in braces.
    pub(super) fn path_with(&self, segment: &str) -> String {
        match (self.path.find('{'), self.path.find('}')) {
            (Some(begin), Some(end)) => format!("{}{segment}{}", &self.path[..begin], &self.path[end + 1..]),
            _ => self.path.to_owned(),
        }
    }

    /// The route with the segment that stands in the place of the name in braces, if the path is its own.
    fn found<'p>(&'static self, path: &'p str) -> Option<Found<'p>> {
        let (Some(begin), Some(end)) = (self.path.find('{'), self.path.find('}')) else {
            return (self.path == path).then_some((self, None));
        };
        let named = path.strip_prefix(&self.path[..begin])?.strip_suffix(&self.path[end + 1..])?;
        (!named.is_empty() && !named.contains('/')).then_some((self, Some(named)))
    }
}

/// A route, and what stands in the place of the name in its braces.
pub(super) type Found<'p> = (&'static Route, Option<&'p str>);

/// The route for a method and a path. A HEAD finds what a GET finds (RFC 9110 §9.3.2).
pub(super) fn find<'p>(listener: Listener, method: &str, path: &'p str) -> Result<Found<'p>, Problem> {
    let routes = at(listener, path);
    let wanted = if method == "HEAD" { "GET" } else { method };
    let found = routes.iter().find(|(route, _)| route.method == wanted);
    match found {
        Some(found) => Ok(*found),
        None if routes.is_empty() => Err(Problem::NoRoute),
        None => Err(Problem::Method(methods(&routes))),
    }
}

/// The methods of a path, for whoever asks about them.
pub(super) fn methods_of(listener: Listener, path: &str) -> Result<&'static str, Problem> {
    let routes = at(listener, path);
    if routes.is_empty() { Err(Problem::NoRoute) } else { Ok(methods(&routes)) }
}

/// Those of a path; one that is written out hides those with a name in braces.
fn at(listener: Listener, path: &str) -> Vec<Found<'_>> {
    let is_here = |route: &Route| listener == Listener::Api || route.listeners == Listeners::Both;
    let all = ROUTES.iter().filter(|route| is_here(route));
    let routes: Vec<Found<'_>> = all.filter_map(|route| route.found(path)).collect();
    let is_exact = routes.iter().any(|(_, named)| named.is_none());
    routes.into_iter().filter(|(_, named)| !is_exact || named.is_none()).collect()
}

fn methods(routes: &[Found<'_>]) -> &'static str {
    let has = |method: &str| routes.iter().any(|(route, _)| route.method == method);
    match (has("GET"), has("POST"), has("DELETE")) {
        (true, false, true) => "GET, HEAD, DELETE",
        (true, true, _) => "GET, HEAD, POST",
        (false, true, _) => "POST",
        (false, false, true) => "DELETE",
        (_, false, false) => "GET, HEAD",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_found_by_its_path_and_its_method() {
        for (method, path, expected) in [
            ("GET", "/metrics", Ok("/metrics")),
            ("HEAD", "/health", Ok("/health")),
            ("POST", "/metrics", Err(405)),
            ("FOO", "/health/ready", Err(405)),
            ("FOO", "/nothing", Err(404)),
            ("GET", "/metrics/", Err(404)),
            ("GET", "//metrics", Err(404)),
            ("GET", "/METRICS", Err(404)),
            ("GET", "/%6Detrics", Err(404)),
            ("GET", "/api/sessions/active", Ok("/api/sessions/active")),
            ("DELETE", "/api/sessions/active", Err(405)),
            ("DELETE", "/api/sessions/x", Ok("/api/sessions/{id}")),
            ("GET", "/api/sessions/", Err(404)),
            ("GET", "/api/sessions/a/b", Err(404)),
            ("GET", "/api/users/a/sessions", Ok("/api/users/{user}/sessions")),
            ("GET", "/api/users//sessions", Err(404)),
        ] {
            let found = find(Listener::Api, method, path).map(|(route, _)| route.path).map_err(Problem::status);
            assert_eq!(found, expected, "{method} {path}");
        }
    }

    #[test]
    fn the_metrics_listener_has_nothing_of_the_api() {
        for route in &ROUTES {
            let path = route.path_with("x");
            let found = find(Listener::Metrics, route.method, &path);
            assert_eq!(found.is_ok(), route.listeners == Listeners::Both, "{}", route.path);
        }
    }

    #[test]
    fn no_route_stands_there_twice_and_none_changes_anything_for_readers() {
        let mut places: Vec<_> = ROUTES.iter().map(|route| (route.path, route.method)).collect();
        places.sort_unstable();
        assert!(places.windows(2).all(|pair| pair[0] != pair[1]), "{places:?}");
        let changes = ROUTES.iter().filter(|route| route.method == "DELETE");
        assert!(
            changes.into_iter().all(|route| route.needs != Needs::Token(Scope::Read) && route.needs != Needs::Nothing)
        );
    }
}
