//! A daemon's admin socket, as an operator's program sees it: one of our own, or one that runs as somebody else.
#![expect(clippy::needless_pass_by_value, reason = "tests write parameters where they use them")]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::wait::PATIENCE;

/// A conversation; whatever the daemon does not say in time is a panic.
pub struct Conversation {
    from: BufReader<Box<dyn Read + Send>>,
    to: Option<Box<dyn Write + Send>>,
    /// Whoever talks in our place, if somebody does.
    child: Option<Child>,
    last: u64,
    pushes: Vec<Value>,
}

impl Conversation {
    /// With ourselves at this end.
    #[must_use]
    pub fn begin(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap_or_else(|error| panic!("{}: {error}", socket.display()));
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has timeouts");
        let to = stream.try_clone().expect("there are descriptors");
        Self::over(Box::new(stream), Box::new(to), None)
    }

    /// With a process at this end that is this user and in these groups, and nothing else.
    #[must_use]
    pub fn of_user(socket: &Path, user: u32, groups: &[u32]) -> Self {
        let groups = groups.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let groups = if groups.is_empty() { "--clear-groups".to_owned() } else { format!("--groups={groups}") };
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).arg(groups);
        command.args(["--inh-caps=-all", "--bounding-set=-all", "timeout", "60", "nc", "-U"]).arg(socket);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("setpriv and nc are installed");
        let from = child.stdout.take().expect("it is a pipe");
        let to = child.stdin.take().expect("it is a pipe");
        Self::over(Box::new(from), Box::new(to), Some(child))
    }

    fn over(from: Box<dyn Read + Send>, to: Box<dyn Write + Send>, child: Option<Child>) -> Self {
        Self { from: BufReader::new(from), to: Some(to), child, last: 0, pushes: Vec::new() }
    }

    /// Says hello, as whoever may order something has to.
    pub fn greet(&mut self) -> Value {
        self.ask("hello", json!({ "proto": 1, "client": "tests" }))
    }

    /// What an operation answers that should succeed.
    pub fn ask(&mut self, op: &str, p: Value) -> Value {
        let answer = self.answer_to(op, p);
        let ok = answer.get("ok").cloned();
        ok.unwrap_or_else(|| panic!("{op} should be answered: {answer}"))
    }

    /// The refusal of an operation that should not succeed, by its code.
    pub fn refused(&mut self, op: &str, p: Value) -> (String, Value) {
        let answer = self.answer_to(op, p);
        let code = answer["err"]["code"].as_str().unwrap_or_else(|| panic!("{op} should be refused: {answer}"));
        (code.to_owned(), answer["err"].clone())
    }

    /// The last message that answers a request.
    pub fn answer_to(&mut self, op: &str, p: Value) -> Value {
        let (answer, _parts) = self.answers_to(op, p);
        answer
    }

    /// The same, with the parts before it.
    pub fn answers_to(&mut self, op: &str, p: Value) -> (Value, Vec<Value>) {
        let id = self.send(op, &p);
        let mut parts = Vec::new();
        loop {
            let message = self.hear().unwrap_or_else(|| panic!("{op} should be answered"));
            match (message.get("sub"), message.get("part")) {
                (Some(_), _) => self.pushes.push(message),
                (None, Some(part)) if message["id"] == id => parts.push(part.clone()),
                (None, _) if message["id"] == id || message["id"].is_null() => return (message, parts),
                (None, _) => {}
            }
        }
    }

    /// Asks without waiting; returns the number of the request.
    pub fn send(&mut self, op: &str, p: &Value) -> u64 {
        self.last += 1;
        let line = json!({ "id": self.last, "op": op, "p": p }).to_string() + "\n";
        self.write(line.as_bytes());
        self.last
    }

    /// Sends these bytes as they are; a daemon that has had enough may be gone.
    pub fn write(&mut self, bytes: &[u8]) {
        let to = self.to.as_mut().expect("our side is open");
        match to.write_all(bytes).and_then(|()| to.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            written => written.expect("the conversation goes on"),
        }
    }

    /// The next push, which is waited for.
    pub fn push(&mut self) -> Value {
        if !self.pushes.is_empty() {
            return self.pushes.remove(0);
        }
        loop {
            let message = self.hear().expect("there should be news");
            if message.get("sub").is_some() {
                return message;
            }
        }
    }

    /// The next message; nothing if the daemon has hung up.
    pub fn hear(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.from.read_line(&mut line) {
            Ok(0) => None,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            read => {
                let _length = read.expect("the daemon should say something");
                Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
            }
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        drop(self.to.take());
        if let Some(mut child) = self.child.take() {
            let _it_may_be_gone = child.kill();
            let _nobody_asks = child.wait();
        }
    }
}

impl std::fmt::Debug for Conversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversation").field("last", &self.last).finish_non_exhaustive()
    }
}
