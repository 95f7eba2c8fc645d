//! What the monitor tells the worker.

use crate::document::DocumentKind;
use crate::frame::{self, Body, FrameError};
use crate::reload::{Extent, Ticket, Trigger};

/// A frame from the monitor to the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToWorker {
    /// A text to work by, in the descriptor beside it: a sealed memfd, position 0.
    /// Each kind comes at most once before [`Begin`](Self::Begin), the configuration always.
    Document {
        kind: DocumentKind,
        /// The reload that brought this text; 1 is the start of the service.
        generation: u64,
    },
    /// A text that a reload cannot have; the descriptor beside it holds the reason, in the same manner as a text.
    Unavailable { kind: DocumentKind },
    /// A listening, non-blocking socket in the descriptor beside it.
    Listener {
        /// Which listener of the configuration, counted from 0.
        index: u16,
        /// Which thread accepts on this socket, counted from 0.
        thread: u16,
    },
    /// The worker's end of the line to a new PAM helper in the descriptor beside it; [`ToPam`](crate::ToPam) and
    /// [`FromPam`](crate::FromPam) travel there.
    /// Comes before `Begin` for those that a worker starts with, and later for those that take the place of others.
    PamHelper {
        /// Counts the helpers of this service, beginning with 1.
        number: u32,
    },
    /// Everything has been handed over: start to serve, then answer [`ToMonitor::Ready`](crate::ToMonitor::Ready).
    Begin {
        /// How often a worker's place had to be filled again in this service, if this one takes the place of one that died; 0 otherwise.
        replaces: u32,
    },
    /// Texts that have changed and the sockets of listeners that are new have been handed over: work by them as far as they are right,
    /// then answer [`ToMonitor::Reloaded`](crate::ToMonitor::Reloaded). The next one comes only after that.
    Reload {
        /// Counts the reloads of this service; its start is 1.
        generation: u64,
        trigger: Trigger,
        extent: Extent,
        /// The last order that it answers.
        ticket: Ticket,
    },
    /// The same texts as for a reload of this extent have been handed over, and no sockets: judge them, work on as before, then answer
    /// [`ToMonitor::Rehearsed`](crate::ToMonitor::Rehearsed). Neither the next one nor a reload comes before that.
    Rehearse {
        extent: Extent,
        /// The last order that it answers.
        ticket: Ticket,
    },
    /// Whether a file of the operator's can be written: the descriptor beside it holds the reason why not, in the same manner as a text,
    /// and nothing if it can.
    Writable {
        /// That of the [`ToMonitor::IsWritable`](crate::ToMonitor::IsWritable) which it answers.
        ticket: Ticket,
        /// BLAKE2b with 256 bits (RFC 7693) of what the file says now; nothing if it cannot be read.
        says: Option<[u8; 32]>,
    },
    /// Log files may have been renamed: open them anew.
    ReopenLogs,
    /// Accept nothing new, let the sessions end, cut the rest after so many milliseconds, then exit.
    Drain { deadline_ms: u32 },
    /// The same for one whose place another worker has taken: it also gives up the listeners that it would answer on while draining.
    Retire { deadline_ms: u32 },
    /// Cut every session and exit.
    StopNow,
}

mod kind {
    pub(super) const DOCUMENT: u8 = 1;
    pub(super) const LISTENER: u8 = 2;
    pub(super) const BEGIN: u8 = 3;
    pub(super) const REOPEN_LOGS: u8 = 4;
    pub(super) const DRAIN: u8 = 5;
    pub(super) const STOP_NOW: u8 = 6;
    pub(super) const PAM_HELPER: u8 = 7;
    pub(super) const UNAVAILABLE: u8 = 8;
    pub(super) const RELOAD: u8 = 9;
    pub(super) const RETIRE: u8 = 10;
    pub(super) const REHEARSE: u8 = 11;
    pub(super) const WRITABLE: u8 = 12;
}

impl ToWorker {
    /// Says whether exactly one descriptor travels beside this frame; all others travel alone.
    #[must_use]
    pub fn carries_descriptor(&self) -> bool {
        match self {
            Self::Document { .. }
            | Self::Unavailable { .. }
            | Self::Listener { .. }
            | Self::PamHelper { .. }
            | Self::Writable { .. } => true,
            Self::Begin { .. }
            | Self::Reload { .. }
            | Self::Rehearse { .. }
            | Self::ReopenLogs
            | Self::Drain { .. }
            | Self::Retire { .. }
            | Self::StopNow => false,
        }
    }

    /// The frame as one datagram.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match *self {
            Self::Document { kind, generation } => {
                frame::seal(kind::DOCUMENT, &[&[kind.number()][..], &generation.to_be_bytes()].concat())
            }
            Self::Unavailable { kind } => frame::seal(kind::UNAVAILABLE, &[kind.number()]),
            Self::Reload { generation, trigger, extent, ticket: Ticket(ticket) } => {
                let words = [trigger.number(), extent.number()];
                frame::seal(kind::RELOAD, &[&generation.to_be_bytes()[..], &words, &ticket.to_be_bytes()].concat())
            }
            Self::Rehearse { extent, ticket: Ticket(ticket) } => {
                frame::seal(kind::REHEARSE, &[&[extent.number()][..], &ticket.to_be_bytes()].concat())
            }
            Self::Writable { ticket: Ticket(ticket), says } => {
                let says = says.as_ref().map_or(&[][..], |digest| &digest[..]);
                frame::seal(kind::WRITABLE, &[&ticket.to_be_bytes()[..], &[u8::from(!says.is_empty())], says].concat())
            }
            Self::Listener { index, thread } => {
                frame::seal(kind::LISTENER, &[index.to_be_bytes(), thread.to_be_bytes()].concat())
            }
            Self::PamHelper { number } => frame::seal(kind::PAM_HELPER, &number.to_be_bytes()),
            Self::Begin { replaces } => frame::seal(kind::BEGIN, &replaces.to_be_bytes()),
            Self::ReopenLogs => frame::seal(kind::REOPEN_LOGS, &[]),
            Self::Drain { deadline_ms } => frame::seal(kind::DRAIN, &deadline_ms.to_be_bytes()),
            Self::Retire { deadline_ms } => frame::seal(kind::RETIRE, &deadline_ms.to_be_bytes()),
            Self::StopNow => frame::seal(kind::STOP_NOW, &[]),
        }
    }

    /// Reads one datagram.
    ///
    /// # Errors
    /// [`FrameError`] for anything that [`encode`](Self::encode) of this version would not have written.
    pub fn decode(datagram: &[u8]) -> Result<Self, FrameError> {
        let mut body = frame::open(datagram)?;
        let message = match body.kind {
            kind::DOCUMENT => Self::Document { kind: DocumentKind::read(&mut body)?, generation: body.u64()? },
            kind::UNAVAILABLE => Self::Unavailable { kind: DocumentKind::read(&mut body)? },
            kind::RELOAD => Self::Reload {
                generation: body.u64()?,
                trigger: Trigger::read(&mut body)?,
                extent: Extent::read(&mut body)?,
                ticket: Ticket(body.u64()?),
            },
            kind::REHEARSE => Self::Rehearse { extent: Extent::read(&mut body)?, ticket: Ticket(body.u64()?) },
            kind::WRITABLE => Self::Writable { ticket: Ticket(body.u64()?), says: said(&mut body)? },
            kind::LISTENER => Self::Listener { index: body.u16()?, thread: body.u16()? },
            kind::PAM_HELPER => Self::PamHelper { number: body.u32()? },
            kind::BEGIN => Self::Begin { replaces: body.u32()? },
            kind::REOPEN_LOGS => Self::ReopenLogs,
            kind::DRAIN => Self::Drain { deadline_ms: body.u32()? },
            kind::RETIRE => Self::Retire { deadline_ms: body.u32()? },
            kind::STOP_NOW => Self::StopNow,
            found => return Err(FrameError::Kind { found }),
        };
        body.end()?;
        Ok(message)
    }
}

/// Whether there is a digest (1 byte: 0 or 1), and the digest.
fn said(body: &mut Body<'_>) -> Result<Option<[u8; 32]>, FrameError> {
    match body.u8()? {
        0 => Ok(None),
        1 => frame::digest(body).map(Some),
        _ => Err(FrameError::Kind { found: kind::WRITABLE }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::VERSION;
    use crate::to_monitor::ToMonitor;

    fn any_message() -> impl Strategy<Value = ToWorker> {
        prop_oneof![
            (prop::sample::select(DocumentKind::ALL), any::<u64>())
                .prop_map(|(kind, generation)| ToWorker::Document { kind, generation }),
            prop::sample::select(DocumentKind::ALL).prop_map(|kind| ToWorker::Unavailable { kind }),
            (any::<u64>(), prop::sample::select(Trigger::ALL), prop::sample::select(Extent::ALL), any::<u64>())
                .prop_map(|(generation, trigger, extent, ticket)| {
                    ToWorker::Reload { generation, trigger, extent, ticket: Ticket(ticket) }
                }),
            any::<(u16, u16)>().prop_map(|(index, thread)| ToWorker::Listener { index, thread }),
            any::<u32>().prop_map(|number| ToWorker::PamHelper { number }),
            (prop::sample::select(Extent::ALL), any::<u64>())
                .prop_map(|(extent, ticket)| ToWorker::Rehearse { extent, ticket: Ticket(ticket) }),
            any::<(u64, Option<[u8; 32]>)>()
                .prop_map(|(ticket, says)| ToWorker::Writable { ticket: Ticket(ticket), says }),
            any::<u32>().prop_map(|replaces| ToWorker::Begin { replaces }),
            Just(ToWorker::ReopenLogs),
            any::<u32>().prop_map(|deadline_ms| ToWorker::Drain { deadline_ms }),
            any::<u32>().prop_map(|deadline_ms| ToWorker::Retire { deadline_ms }),
            Just(ToWorker::StopNow),
        ]
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(message in any_message()) {
            prop_assert_eq!(ToWorker::decode(&message.encode()), Ok(message));
        }

        #[test]
        fn a_cut_or_padded_frame_is_refused(message in any_message(), cut in 0..12_usize, padding in prop::collection::vec(any::<u8>(), 1..9)) {
            let frame = message.encode();
            prop_assert!(ToWorker::decode(&frame[..cut.min(frame.len() - 1)]).is_err());
            prop_assert!(ToWorker::decode(&[frame, padding].concat()).is_err());
        }

        #[test]
        fn arbitrary_bytes_are_refused_or_mean_what_they_say(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(message) = ToWorker::decode(&bytes) {
                prop_assert_eq!(message.encode(), bytes);
            }
        }

        #[test]
        fn an_arbitrary_body_is_refused_or_means_what_it_says(kind in 0..14_u8, body in prop::collection::vec(any::<u8>(), 0..16)) {
            let bytes = frame::seal(kind, &body);
            if let Ok(message) = ToWorker::decode(&bytes) {
                prop_assert_eq!(message.encode(), bytes);
            }
        }

        #[test]
        fn the_other_direction_does_not_read_it(message in any_message()) {
            let found = message.encode()[1];
            prop_assert_eq!(ToMonitor::decode(&message.encode()), Err(FrameError::Kind { found }));
        }
    }

    #[test]
    fn the_bytes_of_version_2_stay_what_they_are() {
        for (message, bytes) in [
            (
                ToWorker::Document { kind: DocumentKind::Configuration, generation: 258 },
                &[VERSION, 1, 0, 9, 1, 0, 0, 0, 0, 0, 0, 1, 2][..],
            ),
            (
                ToWorker::Document { kind: DocumentKind::Users, generation: 1 },
                &[VERSION, 1, 0, 9, 2, 0, 0, 0, 0, 0, 0, 0, 1][..],
            ),
            (ToWorker::Unavailable { kind: DocumentKind::FirstConfiguration }, &[VERSION, 8, 0, 1, 4][..]),
            (
                ToWorker::Reload { generation: 2, trigger: Trigger::File, extent: Extent::Rules, ticket: Ticket(258) },
                &[VERSION, 9, 0, 18, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 0, 0, 0, 0, 0, 0, 1, 2][..],
            ),
            (ToWorker::Listener { index: 3, thread: 260 }, &[VERSION, 2, 0, 4, 0, 3, 1, 4][..]),
            (ToWorker::PamHelper { number: 258 }, &[VERSION, 7, 0, 4, 0, 0, 1, 2][..]),
            (ToWorker::Begin { replaces: 2 }, &[VERSION, 3, 0, 4, 0, 0, 0, 2][..]),
            (ToWorker::ReopenLogs, &[VERSION, 4, 0, 0][..]),
            (ToWorker::Drain { deadline_ms: 30_000 }, &[VERSION, 5, 0, 4, 0, 0, 0x75, 0x30][..]),
            (ToWorker::Retire { deadline_ms: 30_000 }, &[VERSION, 10, 0, 4, 0, 0, 0x75, 0x30][..]),
            (ToWorker::StopNow, &[VERSION, 6, 0, 0][..]),
            (
                ToWorker::Rehearse { extent: Extent::Users, ticket: Ticket(258) },
                &[VERSION, 11, 0, 9, 3, 0, 0, 0, 0, 0, 0, 1, 2][..],
            ),
        ] {
            assert_eq!(message.encode(), bytes);
        }
    }

    #[test]
    fn a_document_of_an_unknown_kind_is_refused() {
        for found in [0, 11, 255] {
            let frame = frame::seal(kind::DOCUMENT, &[found, 0, 0, 0, 0, 0, 0, 0, 1]);
            assert_eq!(ToWorker::decode(&frame), Err(FrameError::Document { found }));
        }
    }
}
