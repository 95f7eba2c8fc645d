//! Every route, in one table: it says what is answered, what is counted, and what can be had here.

use super::answer::Answer;
use super::office::{self, Office};
use super::problem::Problem;

#[derive(Debug)]
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// Runs on a handler's thread and may take a moment.
    pub(super) handler: fn(&Office) -> Answer,
    pub(super) description: &'static str,
}

pub(super) static ROUTES: [Route; 5] = [
    Route { method: "GET", path: "/", handler: office::index, description: "this list" },
    Route {
        method: "GET",
        path: "/metrics",
        handler: Office::metrics,
        description: "everything that is counted, in Prometheus' text format",
    },
    Route {
        method: "GET",
        path: "/health",
        handler: Office::health,
        description: "200 while this process answers, with what is not as it should be",
    },
    Route { method: "GET", path: "/health/live", handler: office::live, description: "200 while this process answers" },
    Route {
        method: "GET",
        path: "/health/ready",
        handler: Office::ready,
        description: "200 while new clients are welcome, 503 with the reasons while they are not",
    },
];

/// The route for a method and a path. A HEAD finds what a GET finds (RFC 9110 §9.3.2).
pub(super) fn find(method: &str, path: &str) -> Result<&'static Route, Problem> {
    let route = ROUTES.iter().find(|route| route.path == path).ok_or(Problem::NoRoute)?;
    let wanted = if method == "HEAD" { "GET" } else { method };
    if route.method == wanted { Ok(route) } else { Err(Problem::Method("GET, HEAD")) }
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
        ] {
            let found = find(method, path).map(|route| route.path).map_err(Problem::status);
            assert_eq!(found, expected, "{method} {path}");
        }
    }

    #[test]
    fn no_path_stands_there_twice() {
        let mut paths = ROUTES.each_ref().map(|route| route.path);
        paths.sort_unstable();
        assert!(paths.windows(2).all(|pair| pair[0] != pair[1]), "{paths:?}");
    }
}
