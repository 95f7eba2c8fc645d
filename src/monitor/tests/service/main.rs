//! Whole services, seen from outside: a real monitor with the worker of the example `toy`.

mod helpers;
mod reload;
mod service_manager;
mod start;
mod supervision;
mod toy;
mod upgrade;
