//! `[admin]`: the table of the admin socket, for operators' programs on this host.

use std::path::PathBuf;

use crate::kinds::strings::{list, text};
use crate::kinds::{Flag, Maybe, Show as _};
use crate::reader::{Section, Table};
use crate::render::Shown;
use crate::values::endpoint::SocketPath;
use crate::values::text::AccountName;

tables! {
    /// `[admin]`: the Unix socket by which operators watch and steer.
    Admin {
        /// Where it is; without it there is none.
        socket: Option<SocketPath> = "socket", Maybe(text()), None;
        /// A second one, over which nobody may do more than look.
        readonly_socket: Option<SocketPath> = "readonly_socket", Maybe(text()), None;
        /// Whose members may do everything, like root.
        admin_groups: Vec<AccountName> = "admin_groups", list(), vec![AccountName::of("rustsocks-admin")];
        /// Whose members may end sessions, reload and lift penalties.
        operator_groups: Vec<AccountName> = "operator_groups", list(), vec![AccountName::of("rustsocks-op")];
        /// Whose members may look; the files of the sockets belong to the first of them that exists.
        read_groups: Vec<AccountName> = "read_groups", list(), vec![AccountName::of("rustsocks"), AccountName::of("adm")];
        /// Whether those who may only look see no whole addresses.
        mask_for_read: bool = "mask_for_read", Flag, false;
        /// Where it is written down who did what; nothing means the state directory of whoever runs the daemon.
        audit_log: Option<PathBuf> = "audit_log", Maybe(text()), None;
        /// Whether nothing is done that cannot be written down there.
        audit_required: bool = "audit_required", Flag, true;
    }
}
