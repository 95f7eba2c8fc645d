//! What the worker tells the monitor.

use crate::document::DocumentKind;
use crate::frame::{self, Body, FrameError, MAX_BODY};
use crate::reload::{Extent, Ticket};
use crate::thread_name::ThreadName;

/// How many names of silent threads one heartbeat can carry; 240 names of 15 bytes fill no more than 3,846 bytes.
pub const MAX_SILENT: usize = 240;

/// A frame from the worker to the monitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToMonitor {
    /// The worker serves; sent once.
    Ready,
    /// The worker lives; sent every second, by a thread that does nothing that could block.
    Heartbeat {
        /// Sessions that are open now.
        sessions: u32,
        /// Threads that did not beat since the last heartbeat; empty if all are fresh.
        /// Names after the first [`MAX_SILENT`] are not sent.
        silent: Vec<ThreadName>,
    },
    /// The answer to [`ToWorker::Reload`](crate::ToWorker::Reload).
    Reloaded {
        /// Which one.
        generation: u64,
        /// The kinds of which the text that was sent is worked by from now on; all others stay as they were.
        taken: Vec<DocumentKind>,
        /// What else the operator should know, above all what failed; text that does not fit into a frame is cut.
        remark: String,
    },
    /// The answer to [`ToWorker::Rehearse`](crate::ToWorker::Rehearse): what was found is kept by the worker.
    Rehearsed,
    /// Somebody wants to know what a reload of this extent would do;
    /// [`ToWorker::Rehearse`](crate::ToWorker::Rehearse) with this ticket or a later one answers.
    WantRehearsal { ticket: Ticket, extent: Extent },
    /// An operator orders a reload; [`ToWorker::Reload`](crate::ToWorker::Reload) with this ticket or a later one answers.
    WantReload { ticket: Ticket, extent: Extent },
    /// An operator wants another text in the place of one of his files; it is in a sealed file in memory beside the frame. A reload
    /// with this ticket or a later one answers, of the [`Extent`] that belongs to the kind, and says so if the text was not put there.
    ReplaceText {
        ticket: Ticket,
        /// Which file.
        kind: DocumentKind,
        /// BLAKE2b with 256 bits (RFC 7693) of what the file says now; it is left alone if it says something else.
        former: [u8; 32],
    },
    /// An operator wants the service to work by another text than the one in his file, until the files are read again; it is in a sealed
    /// file in memory beside the frame, and no file is written. It is answered as [`ReplaceText`](Self::ReplaceText) is.
    WorkByText {
        ticket: Ticket,
        /// In whose place.
        kind: DocumentKind,
    },
    /// Somebody wants to know whether [`ReplaceText`](Self::ReplaceText) could write the file of this kind;
    /// [`ToWorker::Writable`](crate::ToWorker::Writable) with this ticket answers.
    IsWritable { ticket: Ticket, kind: DocumentKind },
    /// The worker cannot go on and exits; the reason is for the operator.
    /// Text that does not fit into a frame is cut.
    Failed { reason: String },
    /// The drain is over and the worker exits.
    Drained {
        /// Sessions that were cut because the deadline came first.
        remaining: u32,
    },
    /// A PAM helper has not answered in time: kill it, and start another one.
    PamHelperStuck {
        /// The number that [`ToWorker::PamHelper`](crate::ToWorker::PamHelper) gave it.
        number: u32,
    },
}

mod kind {
    pub(super) const RELOADED: u8 = 70;
    pub(super) const READY: u8 = 65;
    pub(super) const HEARTBEAT: u8 = 66;
    pub(super) const FAILED: u8 = 67;
    pub(super) const DRAINED: u8 = 68;
    pub(super) const PAM_HELPER_STUCK: u8 = 69;
    pub(super) const WANT_RELOAD: u8 = 71;
    pub(super) const REPLACE_TEXT: u8 = 72;
    pub(super) const REHEARSED: u8 = 73;
    pub(super) const WANT_REHEARSAL: u8 = 74;
    pub(super) const WORK_BY_TEXT: u8 = 75;
    pub(super) const IS_WRITABLE: u8 = 76;
}

impl ToMonitor {
    /// The frame as one datagram.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Ready => frame::seal(kind::READY, &[]),
            Self::Heartbeat { sessions, silent } => frame::seal(kind::HEARTBEAT, &heartbeat(*sessions, silent)),
            Self::Reloaded { generation, taken, remark } => {
                frame::seal(kind::RELOADED, &reloaded(*generation, taken, remark))
            }
            Self::Failed { reason } => {
                frame::seal(kind::FAILED, &reason.as_bytes()[..reason.floor_char_boundary(MAX_BODY)])
            }
            Self::Drained { remaining } => frame::seal(kind::DRAINED, &remaining.to_be_bytes()),
            Self::PamHelperStuck { number } => frame::seal(kind::PAM_HELPER_STUCK, &number.to_be_bytes()),
            Self::Rehearsed => frame::seal(kind::REHEARSED, &[]),
            Self::WantRehearsal { ticket: Ticket(ticket), extent } => {
                frame::seal(kind::WANT_REHEARSAL, &[&ticket.to_be_bytes()[..], &[extent.number()]].concat())
            }
            Self::WantReload { ticket: Ticket(ticket), extent } => {
                frame::seal(kind::WANT_RELOAD, &[&ticket.to_be_bytes()[..], &[extent.number()]].concat())
            }
            Self::ReplaceText { ticket: Ticket(ticket), kind, former } => {
                frame::seal(kind::REPLACE_TEXT, &[&ticket.to_be_bytes()[..], &[kind.number()], former].concat())
            }
            Self::WorkByText { ticket, kind } => frame::seal(kind::WORK_BY_TEXT, &about(*ticket, *kind)),
            Self::IsWritable { ticket, kind } => frame::seal(kind::IS_WRITABLE, &about(*ticket, *kind)),
        }
    }

    /// Reads one datagram.
    ///
    /// # Errors
    /// [`FrameError`] for anything that [`encode`](Self::encode) of this version would not have written.
    pub fn decode(datagram: &[u8]) -> Result<Self, FrameError> {
        let mut body = frame::open(datagram)?;
        let message = match body.kind {
            kind::READY => Self::Ready,
            kind::HEARTBEAT => Self::Heartbeat { sessions: body.u32()?, silent: silent(&mut body)? },
            kind::RELOADED => Self::Reloaded {
                generation: body.u64()?,
                taken: taken(&mut body)?,
                remark: body.remaining_text()?.to_owned(),
            },
            kind::FAILED => Self::Failed { reason: body.remaining_text()?.to_owned() },
            kind::DRAINED => Self::Drained { remaining: body.u32()? },
            kind::PAM_HELPER_STUCK => Self::PamHelperStuck { number: body.u32()? },
            kind::REHEARSED => Self::Rehearsed,
            kind::WANT_REHEARSAL => {
                Self::WantRehearsal { ticket: Ticket(body.u64()?), extent: Extent::read(&mut body)? }
            }
            kind::WANT_RELOAD => Self::WantReload { ticket: Ticket(body.u64()?), extent: Extent::read(&mut body)? },
            kind::REPLACE_TEXT => Self::ReplaceText {
                ticket: Ticket(body.u64()?),
                kind: DocumentKind::read(&mut body)?,
                former: frame::digest(&mut body)?,
            },
            kind::WORK_BY_TEXT => {
                Self::WorkByText { ticket: Ticket(body.u64()?), kind: DocumentKind::read(&mut body)? }
            }
            kind::IS_WRITABLE => Self::IsWritable { ticket: Ticket(body.u64()?), kind: DocumentKind::read(&mut body)? },
            found => return Err(FrameError::Kind { found }),
        };
        body.end()?;
        Ok(message)
    }

    /// Whether a descriptor travels beside the frame.
    #[must_use]
    pub fn carries_descriptor(&self) -> bool {
        match self {
            Self::ReplaceText { .. } | Self::WorkByText { .. } => true,
            Self::IsWritable { .. }
            | Self::Ready
            | Self::Heartbeat { .. }
            | Self::Reloaded { .. }
            | Self::Rehearsed
            | Self::WantRehearsal { .. }
            | Self::WantReload { .. }
            | Self::Failed { .. }
            | Self::Drained { .. }
            | Self::PamHelperStuck { .. } => false,
        }
    }
}

/// Sessions (4 bytes), number of names (1), then each name after its length (1).
fn heartbeat(sessions: u32, silent: &[ThreadName]) -> Vec<u8> {
    let silent = &silent[..silent.len().min(MAX_SILENT)];
    let mut body = sessions.to_be_bytes().to_vec();
    body.push(u8::try_from(silent.len()).expect("MAX_SILENT fits into one byte"));
    for name in silent {
        body.push(u8::try_from(name.as_str().len()).expect("a thread's name has at most 15 bytes"));
        body.extend_from_slice(name.as_str().as_bytes());
    }
    body
}

/// Generation (8 bytes), number of kinds (1), each kind (1), then the text.
fn reloaded(generation: u64, taken: &[DocumentKind], remark: &str) -> Vec<u8> {
    let mut body = generation.to_be_bytes().to_vec();
    body.push(u8::try_from(taken.len()).expect("nobody takes a kind twice, and there are few kinds"));
    body.extend(taken.iter().map(|kind| kind.number()));
    body.extend_from_slice(&remark.as_bytes()[..remark.floor_char_boundary(MAX_BODY - body.len())]);
    body
}

/// Ticket (8 bytes), kind (1).
fn about(Ticket(ticket): Ticket, kind: DocumentKind) -> Vec<u8> {
    [&ticket.to_be_bytes()[..], &[kind.number()]].concat()
}

fn taken(body: &mut Body<'_>) -> Result<Vec<DocumentKind>, FrameError> {
    let count = body.u8()?;
    (0..count).map(|_| DocumentKind::read(body)).collect()
}

fn silent(body: &mut Body<'_>) -> Result<Vec<ThreadName>, FrameError> {
    let count = body.u8()?;
    if usize::from(count) > MAX_SILENT {
        return Err(FrameError::Text { kind: body.kind });
    }
    (0..count).map(|_| thread_name(body)).collect()
}

fn thread_name(body: &mut Body<'_>) -> Result<ThreadName, FrameError> {
    let length = body.u8()?;
    let text = body.text(usize::from(length))?;
    let name = ThreadName::new(text);
    if name.as_str() == text { Ok(name) } else { Err(FrameError::Text { kind: body.kind }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::{MAX_FRAME, VERSION};
    use crate::to_worker::ToWorker;

    fn any_message() -> impl Strategy<Value = ToMonitor> {
        let names = prop::collection::vec(any::<String>().prop_map(|name| ThreadName::new(&name)), 0..=MAX_SILENT);
        prop_oneof![
            Just(ToMonitor::Ready),
            Just(ToMonitor::Rehearsed),
            (any::<u64>(), prop::sample::select(Extent::ALL))
                .prop_map(|(ticket, extent)| ToMonitor::WantRehearsal { ticket: Ticket(ticket), extent }),
            (any::<u32>(), names).prop_map(|(sessions, silent)| ToMonitor::Heartbeat { sessions, silent }),
            (any::<u64>(), prop::sample::subsequence(DocumentKind::ALL, 0..=DocumentKind::ALL.len()), any::<String>())
                .prop_map(|(generation, taken, remark)| ToMonitor::Reloaded { generation, taken, remark }),
            any::<String>().prop_map(|reason| ToMonitor::Failed { reason }),
            any::<u32>().prop_map(|remaining| ToMonitor::Drained { remaining }),
            any::<u32>().prop_map(|number| ToMonitor::PamHelperStuck { number }),
            (any::<u64>(), prop::sample::select(Extent::ALL))
                .prop_map(|(ticket, extent)| ToMonitor::WantReload { ticket: Ticket(ticket), extent }),
            (any::<u64>(), prop::sample::select(DocumentKind::ALL), any::<[u8; 32]>())
                .prop_map(|(ticket, kind, former)| ToMonitor::ReplaceText { ticket: Ticket(ticket), kind, former }),
            (any::<u64>(), prop::sample::select(DocumentKind::ALL))
                .prop_map(|(ticket, kind)| ToMonitor::WorkByText { ticket: Ticket(ticket), kind }),
            (any::<u64>(), prop::sample::select(DocumentKind::ALL))
                .prop_map(|(ticket, kind)| ToMonitor::IsWritable { ticket: Ticket(ticket), kind }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(message in any_message()) {
            prop_assert_eq!(ToMonitor::decode(&message.encode()), Ok(message));
        }

        #[test]
        fn arbitrary_bytes_are_refused_or_mean_what_they_say(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(message) = ToMonitor::decode(&bytes) {
                prop_assert_eq!(message.encode(), bytes);
            }
        }

        #[test]
        fn an_arbitrary_body_is_refused_or_means_what_it_says(kind in 60..78_u8, body in prop::collection::vec(0..24_u8, 0..32)) {
            let bytes = frame::seal(kind, &body);
            if let Ok(message) = ToMonitor::decode(&bytes) {
                prop_assert_eq!(message.encode(), bytes);
            }
        }

        #[test]
        fn the_other_direction_does_not_read_it(message in any_message()) {
            let found = message.encode()[1];
            prop_assert_eq!(ToWorker::decode(&message.encode()), Err(FrameError::Kind { found }));
        }

        #[test]
        fn no_text_and_no_list_makes_a_frame_too_long(reason in "\\PC{4000,4200}", names in 0..400_usize) {
            let silent = vec![ThreadName::new("fifteen-letters"); names];
            let reloaded = ToMonitor::Reloaded { generation: 1, taken: DocumentKind::ALL.to_vec(), remark: reason.clone() };
            for message in [reloaded, ToMonitor::Failed { reason: reason.clone() }, ToMonitor::Heartbeat { sessions: 1, silent }] {
                let frame = message.encode();
                prop_assert!(frame.len() <= MAX_FRAME);
                prop_assert!(ToMonitor::decode(&frame).is_ok());
            }
        }
    }

    #[test]
    fn a_body_that_breaks_its_own_rules_is_refused() {
        for (what, body) in [
            ("a name of 16 bytes", [&[0, 0, 0, 0, 1, 16][..], b"0123456789abcdef"].concat()),
            ("a name that is not UTF-8", vec![0, 0, 0, 0, 1, 1, 0xff]),
            ("a name cut short", vec![0, 0, 0, 0, 1, 4, b'a']),
            ("fewer names than announced", vec![0, 0, 0, 0, 2, 1, b'a']),
            ("more names than announced", vec![0, 0, 0, 0, 0, 1, b'a']),
            ("241 names", [&[0, 0, 0, 0, 241][..], &[0; 241]].concat()),
        ] {
            assert!(ToMonitor::decode(&frame::seal(kind::HEARTBEAT, &body)).is_err(), "{what}");
        }
        assert_eq!(
            ToMonitor::decode(&frame::seal(kind::FAILED, &[0xff])),
            Err(FrameError::Text { kind: kind::FAILED })
        );
    }

    #[test]
    fn the_bytes_of_version_1_stay_what_they_are() {
        for (message, bytes) in [
            (ToMonitor::Ready, &[VERSION, 65, 0, 0][..]),
            (
                ToMonitor::Heartbeat { sessions: 7, silent: vec![ThreadName::new("io-1")] },
                &[VERSION, 66, 0, 10, 0, 0, 0, 7, 1, 4, b'i', b'o', b'-', b'1'][..],
            ),
            (
                ToMonitor::Reloaded { generation: 2, taken: vec![DocumentKind::Users], remark: "no".to_owned() },
                &[VERSION, 70, 0, 12, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, b'n', b'o'][..],
            ),
            (ToMonitor::Failed { reason: "no".to_owned() }, &[VERSION, 67, 0, 2, b'n', b'o'][..]),
            (ToMonitor::Drained { remaining: 1 }, &[VERSION, 68, 0, 4, 0, 0, 0, 1][..]),
            (ToMonitor::PamHelperStuck { number: 258 }, &[VERSION, 69, 0, 4, 0, 0, 1, 2][..]),
        ] {
            assert_eq!(message.encode(), bytes);
        }
    }
}
