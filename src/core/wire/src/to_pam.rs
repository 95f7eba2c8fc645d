//! What the worker asks a PAM helper.

use std::fmt;

use zeroize::Zeroizing;

use crate::frame::{self, Body, FrameError, MAX_BODY};

/// A question of the worker to one of its PAM helpers: may this client in?
///
/// Its texts have no NUL, so that none of them is cut short on its way into C.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToPam {
    /// Which question; the answer repeats it.
    pub id: u64,
    /// Which of the services that the helper was started with, counted from 0.
    /// An index and not a name, so that a worker in foreign hands cannot choose another service.
    pub service: u16,
    /// `PAM_USER`.
    pub user: String,
    /// `PAM_RUSER`.
    pub remote_user: String,
    /// `PAM_RHOST`: the client's address; nothing on a Unix socket.
    pub remote_host: Option<String>,
    /// What the client has to show for it.
    pub proof: Proof,
}

/// By what a client is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Its address alone: every prompt of a module fails.
    Address,
    /// The password that it gave; the first prompt without echo gets it.
    Password(Secret),
}

/// A text that is wiped when dropped and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

mod kind {
    pub(super) const ADDRESS: u8 = 129;
    pub(super) const PASSWORD: u8 = 130;
}

/// An absent remote host; no text of a frame is that long.
const ABSENT: u16 = u16::MAX;

impl ToPam {
    /// The question as one datagram, wiped when dropped.
    ///
    /// # Errors
    /// [`FrameError::Text`] if a text has a NUL, [`FrameError::Size`] if all of them together are too long: some 4,000 bytes.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, FrameError> {
        let (kind, password) = match &self.proof {
            Proof::Address => (kind::ADDRESS, None),
            Proof::Password(password) => (kind::PASSWORD, Some(password.expose())),
        };
        let texts = [Some(self.user.as_str()), Some(&self.remote_user), self.remote_host.as_deref(), password];
        // As long as it will be, for a growing vector leaves copies of its bytes behind.
        let length = FIXED + texts.iter().flatten().map(|text| text.len()).sum::<usize>();
        if length > MAX_BODY {
            return Err(FrameError::Size { found: length, most: MAX_BODY });
        }
        let mut body = Zeroizing::new(Vec::with_capacity(length));
        body.extend_from_slice(&self.id.to_be_bytes());
        body.extend_from_slice(&self.service.to_be_bytes());
        frame::push_c_text(&mut body, kind, &self.user)?;
        frame::push_c_text(&mut body, kind, &self.remote_user)?;
        match &self.remote_host {
            Some(host) => frame::push_c_text(&mut body, kind, host)?,
            None => body.extend_from_slice(&ABSENT.to_be_bytes()),
        }
        password.map_or(Ok(()), |password| frame::push_c_text(&mut body, kind, password))?;
        Ok(Zeroizing::new(frame::seal(kind, &body)))
    }

    /// Reads one datagram.
    ///
    /// # Errors
    /// [`FrameError`] for anything that [`encode`](Self::encode) of this version would not have written.
    pub fn decode(datagram: &[u8]) -> Result<Self, FrameError> {
        let mut body = frame::open(datagram)?;
        let question = Self {
            id: body.u64()?,
            service: body.u16()?,
            user: body.c_text()?.to_owned(),
            remote_user: body.c_text()?.to_owned(),
            remote_host: remote_host(&mut body)?,
            proof: match body.kind {
                kind::ADDRESS => Proof::Address,
                kind::PASSWORD => Proof::Password(Secret::new(body.c_text()?)),
                found => return Err(FrameError::Kind { found }),
            },
        };
        body.end()?;
        Ok(question)
    }
}

/// Everything but the texts: id (8 bytes), service (2), and four lengths of 2 bytes.
const FIXED: usize = 8 + 2 + 4 * 2;

fn remote_host(body: &mut Body<'_>) -> Result<Option<String>, FrameError> {
    if body.takes(&ABSENT.to_be_bytes()) {
        return Ok(None);
    }
    body.c_text().map(|host| Some(host.to_owned()))
}

impl Secret {
    /// Copies the text; the caller's own copy is the caller's to wipe.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::VERSION;
    use crate::from_pam::FromPam;

    fn c_text(most: usize) -> impl Strategy<Value = String> {
        any::<String>().prop_map(move |text| {
            let text = text.replace('\0', "0");
            text[..text.floor_char_boundary(most)].to_owned()
        })
    }

    fn any_question() -> impl Strategy<Value = ToPam> {
        let proof =
            prop_oneof![Just(Proof::Address), c_text(255).prop_map(|password| Proof::Password(Secret::new(&password)))];
        let host = prop::option::of(c_text(64));
        (any::<u64>(), any::<u16>(), c_text(255), c_text(64), host, proof).prop_map(
            |(id, service, user, remote_user, remote_host, proof)| ToPam {
                id,
                service,
                user,
                remote_user,
                remote_host,
                proof,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(question in any_question()) {
            prop_assert_eq!(ToPam::decode(&question.encode().unwrap()), Ok(question));
        }

        #[test]
        fn a_cut_or_padded_frame_is_refused(question in any_question(), cut in any::<prop::sample::Index>(), padding in prop::collection::vec(any::<u8>(), 1..9)) {
            let frame = question.encode().unwrap();
            prop_assert!(ToPam::decode(&frame[..cut.index(frame.len())]).is_err());
            prop_assert!(ToPam::decode(&[&frame[..], &padding].concat()).is_err());
        }

        #[test]
        fn an_arbitrary_body_is_refused_or_means_what_it_says(kind in 128..132_u8, body in prop::collection::vec(prop_oneof![0..3_u8, any::<u8>()], 0..48)) {
            let bytes = frame::seal(kind, &body);
            if let Ok(question) = ToPam::decode(&bytes) {
                prop_assert_eq!(&*question.encode().unwrap(), &bytes);
            }
        }

        #[test]
        fn the_other_direction_does_not_read_it(question in any_question()) {
            let bytes = question.encode().unwrap();
            prop_assert_eq!(FromPam::decode(&bytes), Err(FrameError::Kind { found: bytes[1] }));
        }
    }

    fn question() -> ToPam {
        ToPam {
            id: 7,
            service: 1,
            user: "al".to_owned(),
            remote_user: "r".to_owned(),
            remote_host: Some("::1".to_owned()),
            proof: Proof::Password(Secret::new("pw")),
        }
    }

    #[test]
    fn a_text_with_a_nul_travels_in_neither_direction() {
        let with_nul = [
            ToPam { user: "a\0b".to_owned(), ..question() },
            ToPam { remote_user: "\0".to_owned(), ..question() },
            ToPam { remote_host: Some("::1\0".to_owned()), ..question() },
            ToPam { proof: Proof::Password(Secret::new("p\0w")), ..question() },
        ];
        for question in with_nul {
            assert_eq!(question.encode().err(), Some(FrameError::Text { kind: kind::PASSWORD }), "{question:?}");
        }
        let mut bytes = question().encode().unwrap();
        let user = bytes.windows(2).position(|pair| pair == b"al").unwrap();
        bytes[user] = 0;
        assert_eq!(ToPam::decode(&bytes), Err(FrameError::Text { kind: kind::PASSWORD }));
    }

    #[test]
    fn texts_that_are_too_long_together_are_refused() {
        let question = ToPam { user: "u".repeat(2_000), remote_user: "r".repeat(2_100), ..question() };
        assert!(matches!(question.encode(), Err(FrameError::Size { .. })));
    }

    #[test]
    fn a_password_is_never_shown() {
        assert!(!format!("{:?}", question()).contains("pw"));
    }

    #[test]
    fn the_bytes_of_version_1_stay_what_they_are() {
        let fixed = [0, 0, 0, 0, 0, 0, 0, 7, 0, 1];
        let named = [0, 2, b'a', b'l', 0, 1, b'r'];
        let password = [&[VERSION, 130, 0, 26][..], &fixed, &named, &[0, 3], b"::1", &[0, 2], b"pw"].concat();
        assert_eq!(&*question().encode().unwrap(), &password);
        let address = ToPam { remote_host: None, proof: Proof::Address, ..question() };
        assert_eq!(&*address.encode().unwrap(), &[&[VERSION, 129, 0, 19][..], &fixed, &named, &[255, 255]].concat());
    }
}
