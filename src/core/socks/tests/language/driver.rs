//! Runs a whole handshake the way a server does, from the pieces in which a client's bytes happen to arrive.
//!
//! Knows nothing of what is right; it only checks that no more is consumed than there is.

use socks::{Accepted, Claim, Claimant, Fault, Offer, Opening, Request, Step, Violation};

/// What a conversation came to, once all pieces have arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Everything that the client was sent, a farewell included.
    pub sent: Vec<u8>,
    pub claimed: Option<Claimed>,
    pub end: End,
    /// What was not consumed: the target's, or incomplete.
    pub rest: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Waiting,
    Rejected,
    Broken(Fault),
    Requested(Request),
}

/// A claim that can be compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    Anonymous,
    Password(Vec<u8>, Vec<u8>),
    UserId(Vec<u8>),
}

/// How the server judges every claim.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Judge {
    Believes,
    Rejects,
}

pub(crate) fn converse<'a>(offer: &Offer, judge: Judge, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let (mut server, mut stage) = (Server::new(offer, judge), Stage::Opening(Opening::default()));
    for piece in pieces {
        server.rest.extend_from_slice(piece);
        stage = server.go_on(stage);
    }
    server.outcome(stage)
}

struct Server<'o> {
    offer: &'o Offer,
    judge: Judge,
    rest: Vec<u8>,
    sent: Vec<u8>,
    claimed: Option<Claimed>,
}

enum Stage {
    Opening(Opening),
    Accepted(Accepted<()>),
    Over(End),
}

impl<'o> Server<'o> {
    fn new(offer: &'o Offer, judge: Judge) -> Self {
        Self { offer, judge, rest: Vec::new(), sent: Vec::new(), claimed: None }
    }

    /// Goes through as many stages as the bytes that have arrived allow.
    fn go_on(&mut self, stage: Stage) -> Stage {
        match stage {
            Stage::Opening(opening) => self.open(opening),
            Stage::Accepted(accepted) => self.request(accepted),
            Stage::Over(end) => Stage::Over(end),
        }
    }

    fn open(&mut self, opening: Opening) -> Stage {
        match opening.receive(self.offer, &self.rest) {
            Ok(Step::NeedMore(same)) => Stage::Opening(same),
            Ok(Step::Send { consumed, bytes, next }) => {
                self.consume(consumed);
                self.sent.extend_from_slice(bytes.as_bytes());
                self.open(next)
            }
            Ok(Step::Identify { consumed, claim, claimant }) => {
                self.consume(consumed);
                self.claimed = Some(Claimed::from(claim));
                self.identify(claimant)
            }
            Err(violation) => self.broken(&violation),
        }
    }

    fn identify(&mut self, claimant: Claimant) -> Stage {
        match self.judge {
            Judge::Believes => {
                let accepted = claimant.accept(());
                self.sent.extend_from_slice(accepted.greeting().as_bytes());
                self.request(accepted)
            }
            Judge::Rejects => {
                self.sent.extend_from_slice(claimant.reject().as_bytes());
                Stage::Over(End::Rejected)
            }
        }
    }

    fn request(&mut self, accepted: Accepted<()>) -> Stage {
        match accepted.receive(&self.rest) {
            Ok(None) => Stage::Accepted(accepted),
            Ok(Some((consumed, request))) => {
                self.consume(consumed);
                Stage::Over(End::Requested(request))
            }
            Err(violation) => self.broken(&violation),
        }
    }

    fn broken(&mut self, violation: &Violation) -> Stage {
        self.sent.extend_from_slice(violation.farewell());
        Stage::Over(End::Broken(violation.fault.clone()))
    }

    fn consume(&mut self, consumed: usize) {
        assert!(consumed <= self.rest.len(), "more is consumed than has arrived");
        self.rest.drain(..consumed);
    }

    fn outcome(self, stage: Stage) -> Outcome {
        let end = match stage {
            Stage::Opening(_) | Stage::Accepted(_) => End::Waiting,
            Stage::Over(end) => end,
        };
        Outcome { sent: self.sent, claimed: self.claimed, end, rest: self.rest }
    }
}

impl From<Claim> for Claimed {
    fn from(claim: Claim) -> Self {
        match claim {
            Claim::Anonymous => Self::Anonymous,
            Claim::Password { user, password } => Self::Password(user, password.as_bytes().to_vec()),
            Claim::UserId(user_id) => Self::UserId(user_id),
        }
    }
}
