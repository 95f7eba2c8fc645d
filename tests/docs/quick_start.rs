//! The quick start of the README, done word for word by a newcomer who has only this machine.
//!
//! Three words are other ones: the ports, the page to fetch, and where the program is. The guard opens loopback,
//! where that page is. Everything else is typed as it stands there.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rig::port::Port;
use rig::process::Process;
use rig::target::Target;
use rig::wait::{PATIENCE, eventually};
use tempfile::TempDir;

use crate::markdown::{Block, blocks};
use crate::{program, read, rustsocks};

const PAGE: &str = "a page that a newcomer wanted to see\n";

#[test]
fn every_step_of_the_quick_start_works() {
    let mut newcomer = Newcomer::arrives();
    let steps = blocks(&read("README.md"));
    assert!(steps.len() >= 6, "the quick start has more steps than {steps:?}");
    for step in &steps {
        newcomer.follows(step);
    }
    assert_eq!(newcomer.pages, 4, "each curl of the quick start fetches a page");
}

/// Somebody with a terminal, who follows the README in a directory of their own.
struct Newcomer {
    directory: TempDir,
    ports: [Port; 2],
    page: SocketAddr,
    daemon: Option<Process>,
    /// Pages seen so far.
    pages: usize,
}

impl Newcomer {
    fn arrives() -> Self {
        let ports = [(); 2].map(|()| Port::reserve(Ipv4Addr::LOCALHOST.into()));
        let directory = rig::place::for_everybody();
        Self { directory, ports, page: Target::listen().serve(serve_page), daemon: None, pages: 0 }
    }

    fn follows(&mut self, step: &Block) {
        let text = self.localised(&step.text);
        match step.language.as_str() {
            "toml" => fs::write(self.path().join("rustsocks.toml"), text).expect("the file can be written"),
            "sh" if text == "make run\n" => self.runs_the_daemon(&["--port", &self.ports[0].addr().port().to_string()]),
            // That would be this test again.
            "sh" if text == "make test\n" => {}
            "sh" => self.types(&text),
            other => panic!("nobody knows how to follow {other:?}: {text}"),
        }
    }

    /// Types every line of a block; a line that starts the daemon goes to a terminal of its own.
    fn types(&mut self, text: &str) {
        let commands = text.lines().filter(|line| !line.starts_with("export PATH="));
        for line in commands {
            match line.strip_prefix("rustsocks --config ") {
                Some(file) => self.runs_the_daemon(&["--config", file]),
                None => self.runs(line),
            }
        }
    }

    fn runs(&mut self, line: &str) {
        let said = self.shell(line);
        assert!(said.status.success(), "{line}\n{said:?}");
        if line.starts_with("curl") {
            assert_eq!(String::from_utf8_lossy(&said.stdout), PAGE, "{line}");
            self.pages += 1;
        }
    }

    /// A shell that asks this person for a password gets the one that the README types in later.
    fn shell(&self, line: &str) -> Output {
        let mut shell = Command::new("sh");
        shell.args(["-euc", line]).current_dir(self.path()).env("PATH", path_with(program()));
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut shell = shell.spawn().expect("there is a shell");
        // Most commands ask for nothing and may have ended before this is written.
        let _nobody_asks = shell.stdin.take().expect("stdin is a pipe").write_all(b"secret\n");
        shell.wait_with_output().expect("the shell ends")
    }

    fn runs_the_daemon(&mut self, arguments: &[&str]) {
        // Ctrl-C before the next one.
        self.daemon = None;
        let mut command = rustsocks(arguments);
        command.current_dir(self.path()).env("RUSTSOCKS_GUARD_ALLOW", self.page.ip().to_string());
        command.env("STATE_DIRECTORY", self.path());
        let mut daemon = Process::start(command, self.path().join("stderr"));
        let is_ready = || TcpStream::connect(self.ports[0].addr()).is_ok() || !daemon.runs();
        assert!(eventually(PATIENCE, is_ready), "{arguments:?}: {}", daemon.errors());
        assert!(daemon.runs(), "{arguments:?}: {}", daemon.errors());
        self.daemon = Some(daemon);
    }

    fn localised(&self, text: &str) -> String {
        let [first, second] = self.ports.each_ref().map(|port| port.addr().port());
        let text = text.replace("1080", &first.to_string()).replace("1081", &second.to_string());
        let text = text.replace("https://example.com/", &format!("http://{}/", self.page));
        // The default has no line to replace.
        text.replace("[server]\n", &format!("[server]\nbind_port = {first}\n"))
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}

fn path_with(program: &Path) -> String {
    let folder = program.parent().expect("a program is in a folder");
    format!("{}:{}", folder.display(), std::env::var("PATH").expect("there is a PATH"))
}

fn serve_page(mut stream: TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return;
        }
        request.push(byte[0]);
    }
    let length = PAGE.len();
    let _client_is_gone = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{PAGE}");
}
