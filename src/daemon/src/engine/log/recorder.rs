//! Keeps the lines of the log once more, for operators who ask over the admin socket.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::state::journal::Journal;
use crate::state::journal::line::Draft;

#[derive(Debug)]
pub(super) struct Recorder(pub(super) Arc<Journal>);

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut draft = Draft::new(Timestamp::now().as_microsecond(), *metadata.level(), metadata.target());
        event.record(&mut draft);
        self.0.note(draft.finish());
    }
}
