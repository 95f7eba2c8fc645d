//! The frames that the monitor and the worker exchange.
