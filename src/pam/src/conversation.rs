//! What modules say to the client, and what the client has to say.
//!
//! SOCKS has no conversation: there is at most one password, given beforehand.
//! Knows nothing of libpam's types; [`crate::libpam`] carries the words.

use std::time::Duration;

use wire::{MAX_SAID, MAX_SAYING, Proof, Secret};

/// One client's side of the conversation.
#[derive(Debug)]
pub(crate) struct Conversation {
    password: Option<Secret>,
    /// A module asked for something that could not be given.
    pub(crate) is_unmet: bool,
    /// What modules wanted the client to read.
    pub(crate) said: Vec<String>,
    /// How long a refused client should wait.
    pub(crate) delay: Duration,
}

/// How a message is meant (`pam_conv(3)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `PAM_PROMPT_ECHO_OFF`
    Hidden,
    /// `PAM_PROMPT_ECHO_ON`, or a style that this program does not know.
    Visible,
    /// `PAM_TEXT_INFO` and `PAM_ERROR_MSG`; an error message is not a failure, the module's return value says whether it failed.
    Saying,
}

/// What a module gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Nothing,
    Text(Secret),
    /// `PAM_CONV_ERR`
    Refusal,
}

impl Conversation {
    pub(crate) fn new(proof: Proof) -> Self {
        let password = match proof {
            Proof::Password(password) => Some(password),
            Proof::Address => None,
        };
        Self { password, is_unmet: false, said: Vec::new(), delay: Duration::ZERO }
    }

    /// The first prompt without echo gets the password; every other prompt is refused.
    pub(crate) fn reply(&mut self, style: Style, message: &str) -> Reply {
        match (style, self.password.take_if(|_| style == Style::Hidden)) {
            (Style::Saying, _) => {
                self.note(message);
                Reply::Nothing
            }
            (Style::Hidden, Some(password)) => Reply::Text(password),
            (Style::Hidden | Style::Visible, _) => {
                self.is_unmet = true;
                Reply::Refusal
            }
        }
    }

    fn note(&mut self, message: &str) {
        if self.said.len() < MAX_SAID {
            self.said.push(message[..message.floor_char_boundary(MAX_SAYING)].to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_hidden_prompt_gets_the_password() {
        let mut client = Conversation::new(Proof::Password(Secret::new("pw")));
        assert_eq!(client.reply(Style::Visible, "login: "), Reply::Refusal);
        assert_eq!(client.reply(Style::Saying, "hello"), Reply::Nothing);
        assert_eq!(client.reply(Style::Hidden, "Password: "), Reply::Text(Secret::new("pw")));
        assert_eq!(client.reply(Style::Hidden, "New password: "), Reply::Refusal);
        assert_eq!((client.said, client.is_unmet), (vec!["hello".to_owned()], true));
    }

    #[test]
    fn an_address_answers_no_prompt() {
        let mut client = Conversation::new(Proof::Address);
        assert_eq!(client.reply(Style::Saying, "x"), Reply::Nothing);
        assert!(!client.is_unmet);
        assert_eq!(client.reply(Style::Hidden, "Password: "), Reply::Refusal);
        assert!(client.is_unmet);
    }

    #[test]
    fn a_talkative_module_is_cut_short() {
        let mut client = Conversation::new(Proof::Address);
        for _ in 0..100 {
            client.reply(Style::Saying, &"é".repeat(1_000));
        }
        assert_eq!(client.said, vec!["é".repeat(MAX_SAYING / 2); MAX_SAID]);
    }
}
