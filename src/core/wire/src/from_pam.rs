//! What a PAM helper answers.

use std::time::Duration;

use crate::frame::{self, Body, FrameError, MAX_ANSWER};

/// How many messages of modules one answer carries.
pub const MAX_SAID: usize = 8;

/// How many bytes of each (`PAM_MAX_MSG_SIZE`, pam(3)).
pub const MAX_SAYING: usize = 512;

/// A frame from a PAM helper to the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromPam {
    /// It takes questions; sent once, first thing.
    Ready,
    Answer(PamAnswer),
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PamAnswer {
    /// The id of the question.
    pub id: u64,
    pub verdict: PamVerdict,
    /// The helper takes no further question: it has served long enough, and another one takes its place.
    pub is_last: bool,
    /// How long modules ask to let a refused client wait, in whole milliseconds (`pam_fail_delay(3)`); up to 49 days.
    pub delay: Duration,
    /// What modules wanted the client to read: at most [`MAX_SAID`] texts of at most [`MAX_SAYING`] bytes.
    pub said: Vec<String>,
}

/// What PAM decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PamVerdict {
    /// The client may in.
    Accepted {
        /// The groups of the user whose password was right: all of them, since a rule may forbid what a group does.
        groups: Vec<String>,
    },
    /// PAM says no.
    Denied(Denial),
    /// PAM could not decide; the client may be right.
    Failed {
        /// For the operator: what failed, and why.
        error: String,
    },
}

macro_rules! denials {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $label:literal;)+) => {
        /// Why PAM said no: a closed list, for logs and counters; the client is never told.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Denial { $($(#[$doc])* $name,)+ }

        impl Denial {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable word for logs.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            fn code(self) -> u8 {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

denials! {
    /// `PAM_AUTH_ERR`: the password is wrong, the account is locked, or the address is not welcome.
    Authentication = 1, "auth_error";
    /// `PAM_USER_UNKNOWN`.
    UserUnknown = 2, "user_unknown";
    /// `PAM_MAXTRIES`.
    MaxTries = 3, "max_tries";
    /// `PAM_ACCT_EXPIRED`.
    AccountExpired = 4, "account_expired";
    /// `PAM_NEW_AUTHTOK_REQD`, `PAM_AUTHTOK_EXPIRED`, `PAM_CRED_EXPIRED`: the password has to be changed, which SOCKS cannot do.
    PasswordExpired = 5, "password_expired";
    /// `PAM_PERM_DENIED`.
    PermissionDenied = 6, "perm_denied";
    /// The modules turned the user into another one.
    UserChanged = 7, "user_changed";
    /// The modules asked for something that the client did not give: a second password, or anything at all when only the address counts.
    Prompt = 8, "prompt";
}

mod kind {
    pub(super) const READY: u8 = 193;
    pub(super) const ACCEPTED: u8 = 194;
    pub(super) const DENIED: u8 = 195;
    pub(super) const FAILED: u8 = 196;
}

impl FromPam {
    /// The frame as one datagram, up to [`MAX_ANSWER`] bytes long.
    /// Messages beyond the bounds are left out, and a longer one is cut.
    ///
    /// # Errors
    /// [`FrameError::Size`] if the groups do not fit; none is left out, and the error of a failure is cut before.
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        match self {
            Self::Ready => Ok(frame::seal(kind::READY, &[])),
            Self::Answer(answer) => answer.encode(),
        }
    }

    /// Reads one datagram.
    ///
    /// # Errors
    /// [`FrameError`] for anything that [`encode`](Self::encode) of this version would not have written.
    pub fn decode(datagram: &[u8]) -> Result<Self, FrameError> {
        let mut body = frame::open_up_to(datagram, MAX_ANSWER)?;
        let frame = match body.kind {
            kind::READY => Self::Ready,
            kind::ACCEPTED | kind::DENIED | kind::FAILED => Self::Answer(PamAnswer::decode(&mut body)?),
            found => return Err(FrameError::Kind { found }),
        };
        body.end()?;
        Ok(frame)
    }
}

impl PamAnswer {
    fn encode(&self) -> Result<Vec<u8>, FrameError> {
        let mut body = self.id.to_be_bytes().to_vec();
        body.push(u8::from(self.is_last));
        body.extend_from_slice(&u32::try_from(self.delay.as_millis()).unwrap_or(u32::MAX).to_be_bytes());
        self.push_said(&mut body)?;
        let kind = self.verdict.push(&mut body)?;
        let (found, most) = (body.len(), usize::from(u16::MAX));
        if found > most { Err(FrameError::Size { found, most }) } else { Ok(frame::seal(kind, &body)) }
    }

    fn push_said(&self, body: &mut Vec<u8>) -> Result<(), FrameError> {
        let said = &self.said[..self.said.len().min(MAX_SAID)];
        body.push(u8::try_from(said.len()).expect("MAX_SAID fits into one byte"));
        said.iter().try_for_each(|text| push_cut(body, text))
    }

    fn decode(body: &mut Body<'_>) -> Result<Self, FrameError> {
        let kind = body.kind;
        let id = body.u64()?;
        let is_last = match body.u8()? {
            0 => false,
            1 => true,
            _ => return Err(FrameError::Text { kind }),
        };
        let delay = Duration::from_millis(body.u32()?.into());
        let said = said(body)?;
        let verdict = PamVerdict::decode(body)?;
        Ok(Self { id, verdict, is_last, delay, said })
    }
}

impl PamVerdict {
    fn push(&self, body: &mut Vec<u8>) -> Result<u8, FrameError> {
        match self {
            Self::Accepted { groups } => {
                let size = FrameError::Size { found: groups.len(), most: usize::from(u16::MAX) };
                body.extend_from_slice(&u16::try_from(groups.len()).map_err(|_| size)?.to_be_bytes());
                groups.iter().try_for_each(|group| frame::push_c_text(body, kind::ACCEPTED, group))?;
                Ok(kind::ACCEPTED)
            }
            Self::Denied(denial) => {
                body.push(denial.code());
                Ok(kind::DENIED)
            }
            Self::Failed { error } => push_cut(body, error).map(|()| kind::FAILED),
        }
    }

    fn decode(body: &mut Body<'_>) -> Result<Self, FrameError> {
        match body.kind {
            kind::ACCEPTED => {
                let count = body.u16()?;
                let groups = (0..count).map(|_| body.c_text().map(ToOwned::to_owned)).collect::<Result<_, _>>()?;
                Ok(Self::Accepted { groups })
            }
            kind::DENIED => {
                let code = body.u8()?;
                let denial = Denial::ALL.iter().copied().find(|denial| denial.code() == code);
                denial.map(Self::Denied).ok_or(FrameError::Text { kind: kind::DENIED })
            }
            _ => saying(body).map(|error| Self::Failed { error }),
        }
    }
}

fn said(body: &mut Body<'_>) -> Result<Vec<String>, FrameError> {
    let count = body.u8()?;
    if usize::from(count) > MAX_SAID {
        return Err(FrameError::Text { kind: body.kind });
    }
    (0..count).map(|_| saying(body)).collect()
}

fn saying(body: &mut Body<'_>) -> Result<String, FrameError> {
    let text = body.c_text()?;
    if text.len() > MAX_SAYING { Err(FrameError::Text { kind: body.kind }) } else { Ok(text.to_owned()) }
}

/// A text for people: cut to [`MAX_SAYING`] bytes, and to what comes before a NUL.
fn push_cut(body: &mut Vec<u8>, text: &str) -> Result<(), FrameError> {
    let text = text.split('\0').next().unwrap_or_default();
    frame::push_c_text(body, kind::FAILED, &text[..text.floor_char_boundary(MAX_SAYING)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::VERSION;
    use crate::to_pam::ToPam;

    fn c_text(most: usize) -> impl Strategy<Value = String> {
        any::<String>().prop_map(move |text| {
            let text = text.replace('\0', "0");
            text[..text.floor_char_boundary(most)].to_owned()
        })
    }

    fn any_verdict() -> impl Strategy<Value = PamVerdict> {
        prop_oneof![
            prop::collection::vec(c_text(200), 0..40).prop_map(|groups| PamVerdict::Accepted { groups }),
            prop::sample::select(Denial::ALL).prop_map(PamVerdict::Denied),
            c_text(MAX_SAYING).prop_map(|error| PamVerdict::Failed { error }),
        ]
    }

    fn any_frame() -> impl Strategy<Value = FromPam> {
        let said = prop::collection::vec(c_text(MAX_SAYING), 0..=MAX_SAID);
        let answer = (any::<u64>(), any_verdict(), any::<bool>(), any::<u32>(), said).prop_map(
            |(id, verdict, is_last, delay, said)| {
                FromPam::Answer(PamAnswer { id, verdict, is_last, delay: Duration::from_millis(delay.into()), said })
            },
        );
        prop_oneof![Just(FromPam::Ready), answer]
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(frame in any_frame()) {
            prop_assert_eq!(FromPam::decode(&frame.encode().unwrap()), Ok(frame));
        }

        #[test]
        fn an_arbitrary_body_is_refused_or_means_what_it_says(kind in 192..198_u8, body in prop::collection::vec(prop_oneof![0..3_u8, any::<u8>()], 0..48)) {
            let bytes = frame::seal(kind, &body);
            if let Ok(frame) = FromPam::decode(&bytes) {
                prop_assert_eq!(frame.encode().unwrap(), bytes);
            }
        }

        #[test]
        fn a_cut_frame_is_refused(frame in any_frame(), cut in any::<prop::sample::Index>()) {
            let bytes = frame.encode().unwrap();
            prop_assert!(FromPam::decode(&bytes[..cut.index(bytes.len())]).is_err());
        }

        #[test]
        fn the_other_direction_does_not_read_it(frame in any_frame()) {
            prop_assert!(ToPam::decode(&frame.encode().unwrap()).is_err());
        }
    }

    fn answer(verdict: PamVerdict) -> PamAnswer {
        PamAnswer { id: 258, verdict, is_last: true, delay: Duration::from_secs(2), said: Vec::new() }
    }

    #[test]
    fn groups_arrive_all_or_not_at_all() {
        let groups = |count: usize| answer(PamVerdict::Accepted { groups: vec!["g".repeat(30); count] });
        let whole = FromPam::Answer(groups(2_000));
        assert_eq!(FromPam::decode(&whole.encode().unwrap()), Ok(whole));
        assert!(matches!(FromPam::Answer(groups(2_100)).encode(), Err(FrameError::Size { .. })));
        assert!(matches!(FromPam::Answer(groups(70_000)).encode(), Err(FrameError::Size { .. })));
    }

    #[test]
    fn what_modules_say_is_bounded() {
        let mut answer = answer(PamVerdict::Failed { error: "é".repeat(400) });
        answer.said = vec!["talk\0hidden".repeat(300); 20];
        let decoded = FromPam::decode(&FromPam::Answer(answer).encode().unwrap()).unwrap();
        let FromPam::Answer(decoded) = decoded else { panic!("{decoded:?}") };
        assert_eq!(decoded.said, vec!["talk"; MAX_SAID]);
        assert_eq!(decoded.verdict, PamVerdict::Failed { error: "é".repeat(MAX_SAYING / 2) });
    }

    #[test]
    fn reasons_have_a_code_and_a_word_each() {
        for (at, denial) in Denial::ALL.iter().enumerate() {
            assert!(
                Denial::ALL[..at].iter().all(|other| other.code() != denial.code() && other.label() != denial.label())
            );
        }
    }

    #[test]
    fn the_bytes_of_version_1_stay_what_they_are() {
        assert_eq!(FromPam::Ready.encode().unwrap(), [VERSION, 193, 0, 0]);
        let head = [0, 0, 0, 0, 0, 0, 1, 2, 1, 0, 0, 7, 208, 0];
        for (verdict, kind, body) in [
            (PamVerdict::Accepted { groups: vec!["wheel".to_owned()] }, 194, &b"\0\x01\0\x05wheel"[..]),
            (PamVerdict::Denied(Denial::AccountExpired), 195, &[4]),
            (PamVerdict::Failed { error: "no".to_owned() }, 196, b"\0\x02no"),
        ] {
            let length = u8::try_from(head.len() + body.len()).unwrap();
            let frame = FromPam::Answer(answer(verdict)).encode().unwrap();
            assert_eq!(frame, [&[VERSION, kind, 0, length][..], &head, body].concat());
        }
    }
}
