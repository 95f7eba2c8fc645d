//! What a monitor leaves to the program that takes its place in the same process.

use std::net::SocketAddr;

use crate::document::DocumentKind;
use crate::frame::{self, Body, FrameError, MAX_BODY};

/// How many descriptors one [`ToSuccessor::Sockets`] carries at most; the kernel takes 253 beside one datagram (`unix(7)`).
pub const MAX_SOCKETS: usize = 250;

/// A frame from a monitor to its successor; all of them wait in the line before the successor begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToSuccessor {
    /// A text that the worker works by, in the descriptor beside it, as in [`ToWorker::Document`](crate::ToWorker::Document).
    Document { kind: DocumentKind, generation: u64 },
    /// A TCP listener, under the address that its configuration says, whose port may be 0; its sockets follow.
    Tcp { address: SocketAddr },
    /// A Unix listener with the permission bits of its file and what tells that file from others, zeros if it is somebody else's to remove;
    /// its socket follows.
    Unix { path: String, mode: u32, device: u64, inode: u64 },
    /// So many listening sockets of the listener before, at most [`MAX_SOCKETS`], each in a descriptor beside it.
    Sockets { count: u16 },
    /// A worker; the descriptor beside it is the monitor's end of the line to it.
    Worker { pid: u32, standing: Standing, sessions: u32 },
    /// How the PAM helpers of the worker before are started: so many of them, by the words in the descriptor beside it, each ended by
    /// a NUL. The first word is the program.
    PamHelpers { count: u16 },
    /// A PAM helper of the worker before.
    PamHelper { number: u32, pid: u32 },
    /// Nothing more comes.
    End {
        /// The last reload of the service.
        generation: u64,
        /// How often a worker has been replaced.
        restarts: u32,
    },
}

/// What a worker that is left to a successor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It is in the post.
    Serving,
    /// It accepts nothing new and ends with its last session, or so many milliseconds from now.
    Retiring { left_ms: u32 },
}

mod kind {
    pub(super) const DOCUMENT: u8 = 225;
    pub(super) const TCP: u8 = 226;
    pub(super) const UNIX: u8 = 227;
    pub(super) const SOCKETS: u8 = 228;
    pub(super) const SERVING: u8 = 229;
    pub(super) const RETIRING: u8 = 230;
    pub(super) const PAM_HELPERS: u8 = 231;
    pub(super) const PAM_HELPER: u8 = 232;
    pub(super) const END: u8 = 233;
}

impl ToSuccessor {
    /// How many descriptors travel beside this frame.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        match self {
            Self::Document { .. } | Self::Worker { .. } | Self::PamHelpers { .. } => 1,
            Self::Sockets { count } => usize::from(*count),
            Self::Tcp { .. } | Self::Unix { .. } | Self::PamHelper { .. } | Self::End { .. } => 0,
        }
    }

    /// The frame as one datagram.
    ///
    /// # Errors
    /// [`FrameError::Size`] if a path is longer than a frame; the kernel knows no such sockets.
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        Ok(match self {
            Self::Document { kind, generation } => {
                frame::seal(kind::DOCUMENT, &[&[kind.number()][..], &generation.to_be_bytes()].concat())
            }
            Self::Tcp { address } => frame::seal(kind::TCP, address.to_string().as_bytes()),
            Self::Unix { path, mode, device, inode } => {
                let numbers = [&mode.to_be_bytes()[..], &device.to_be_bytes(), &inode.to_be_bytes()].concat();
                let body = [&numbers, path.as_bytes()].concat();
                if body.len() > MAX_BODY {
                    return Err(FrameError::Size { found: body.len(), most: MAX_BODY });
                }
                frame::seal(kind::UNIX, &body)
            }
            Self::Sockets { count } => frame::seal(kind::SOCKETS, &count.to_be_bytes()),
            Self::Worker { pid, standing, sessions } => {
                let numbers = [pid.to_be_bytes(), sessions.to_be_bytes()].concat();
                match standing {
                    Standing::Serving => frame::seal(kind::SERVING, &numbers),
                    Standing::Retiring { left_ms } => {
                        frame::seal(kind::RETIRING, &[&numbers[..], &left_ms.to_be_bytes()].concat())
                    }
                }
            }
            Self::PamHelpers { count } => frame::seal(kind::PAM_HELPERS, &count.to_be_bytes()),
            Self::PamHelper { number, pid } => {
                frame::seal(kind::PAM_HELPER, &[number.to_be_bytes(), pid.to_be_bytes()].concat())
            }
            Self::End { generation, restarts } => {
                frame::seal(kind::END, &[&generation.to_be_bytes()[..], &restarts.to_be_bytes()].concat())
            }
        })
    }

    /// Reads one datagram.
    ///
    /// # Errors
    /// [`FrameError`] for anything that [`encode`](Self::encode) of this version would not have written.
    pub fn decode(datagram: &[u8]) -> Result<Self, FrameError> {
        let mut body = frame::open(datagram)?;
        let message = match body.kind {
            kind::DOCUMENT => Self::Document { kind: DocumentKind::read(&mut body)?, generation: body.u64()? },
            kind::TCP => Self::Tcp { address: address(&mut body)? },
            kind::UNIX => {
                let (mode, device, inode) = (body.u32()?, body.u64()?, body.u64()?);
                Self::Unix { path: body.remaining_text()?.to_owned(), mode, device, inode }
            }
            kind::SOCKETS => Self::Sockets { count: count_of_sockets(&mut body)? },
            kind::SERVING => Self::Worker { pid: body.u32()?, sessions: body.u32()?, standing: Standing::Serving },
            kind::RETIRING => {
                let (pid, sessions) = (body.u32()?, body.u32()?);
                Self::Worker { pid, sessions, standing: Standing::Retiring { left_ms: body.u32()? } }
            }
            kind::PAM_HELPERS => Self::PamHelpers { count: body.u16()? },
            kind::PAM_HELPER => Self::PamHelper { number: body.u32()?, pid: body.u32()? },
            kind::END => Self::End { generation: body.u64()?, restarts: body.u32()? },
            found => return Err(FrameError::Kind { found }),
        };
        body.end()?;
        Ok(message)
    }
}

/// As it is written, and in no other way of writing it.
fn address(body: &mut Body<'_>) -> Result<SocketAddr, FrameError> {
    let kind = body.kind;
    let text = body.remaining_text()?;
    let parsed = text.parse().ok().filter(|address: &SocketAddr| address.to_string() == text);
    parsed.ok_or(FrameError::Text { kind })
}

fn count_of_sockets(body: &mut Body<'_>) -> Result<u16, FrameError> {
    let count = body.u16()?;
    if usize::from(count) > MAX_SOCKETS { Err(FrameError::Text { kind: body.kind }) } else { Ok(count) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::VERSION;
    use crate::to_worker::ToWorker;

    fn any_standing() -> impl Strategy<Value = Standing> {
        prop_oneof![Just(Standing::Serving), any::<u32>().prop_map(|left_ms| Standing::Retiring { left_ms })]
    }

    fn any_frame() -> impl Strategy<Value = ToSuccessor> {
        prop_oneof![
            (prop::sample::select(DocumentKind::ALL), any::<u64>())
                .prop_map(|(kind, generation)| ToSuccessor::Document { kind, generation }),
            any::<([u8; 4], u16)>().prop_map(|(ip, port)| ToSuccessor::Tcp { address: (ip, port).into() }),
            any::<([u8; 16], u16)>().prop_map(|(ip, port)| ToSuccessor::Tcp { address: (ip, port).into() }),
            ("/[a-zé]{0,20}", any::<(u32, u64, u64)>())
                .prop_map(|(path, (mode, device, inode))| { ToSuccessor::Unix { path, mode, device, inode } }),
            (0..=250_u16).prop_map(|count| ToSuccessor::Sockets { count }),
            (any::<(u32, u32)>(), any_standing()).prop_map(|((pid, sessions), standing)| ToSuccessor::Worker {
                pid,
                standing,
                sessions
            }),
            any::<u16>().prop_map(|count| ToSuccessor::PamHelpers { count }),
            any::<(u32, u32)>().prop_map(|(number, pid)| ToSuccessor::PamHelper { number, pid }),
            any::<(u64, u32)>().prop_map(|(generation, restarts)| ToSuccessor::End { generation, restarts }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(frame in any_frame()) {
            prop_assert_eq!(ToSuccessor::decode(&frame.encode().unwrap()), Ok(frame));
        }

        #[test]
        fn an_arbitrary_body_is_refused_or_means_what_it_says(kind in 224..235_u8, body in prop::collection::vec(any::<u8>(), 0..32)) {
            let bytes = frame::seal(kind, &body);
            if let Ok(frame) = ToSuccessor::decode(&bytes) {
                prop_assert_eq!(frame.encode().unwrap(), bytes);
            }
        }

        #[test]
        fn no_worker_reads_it(frame in any_frame()) {
            prop_assert!(ToWorker::decode(&frame.encode().unwrap()).is_err());
        }
    }

    #[test]
    fn a_path_that_no_frame_holds_is_refused() {
        let long = ToSuccessor::Unix { path: "/".repeat(MAX_BODY), mode: 0, device: 0, inode: 0 };
        assert!(matches!(long.encode(), Err(FrameError::Size { .. })));
    }

    #[test]
    fn the_bytes_of_version_2_stay_what_they_are() {
        for (frame, bytes) in [
            (
                ToSuccessor::Document { kind: DocumentKind::Users, generation: 258 },
                &[VERSION, 225, 0, 9, 2, 0, 0, 0, 0, 0, 0, 1, 2][..],
            ),
            (ToSuccessor::Tcp { address: ([1, 2, 3, 4], 5).into() }, b"\x02\xe2\0\x091.2.3.4:5"),
            (
                ToSuccessor::Unix { path: "/s".to_owned(), mode: 0o600, device: 1, inode: 2 },
                b"\x02\xe3\0\x16\0\0\x01\x80\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02/s",
            ),
            (ToSuccessor::Sockets { count: 2 }, &[VERSION, 228, 0, 2, 0, 2]),
            (
                ToSuccessor::Worker { pid: 258, standing: Standing::Serving, sessions: 3 },
                &[VERSION, 229, 0, 8, 0, 0, 1, 2, 0, 0, 0, 3],
            ),
            (
                ToSuccessor::Worker { pid: 1, standing: Standing::Retiring { left_ms: 4 }, sessions: 0 },
                &[VERSION, 230, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4],
            ),
            (ToSuccessor::PamHelpers { count: 2 }, &[VERSION, 231, 0, 2, 0, 2]),
            (ToSuccessor::PamHelper { number: 1, pid: 2 }, &[VERSION, 232, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2]),
            (
                ToSuccessor::End { generation: 1, restarts: 2 },
                &[VERSION, 233, 0, 12, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2],
            ),
        ] {
            assert_eq!(frame.encode().unwrap(), bytes);
        }
    }
}
