//! What an intruder in the worker could do: system calls made by its own threads, the way code that was smuggled in would make them.
#![cfg(target_arch = "x86_64")]

use std::ffi::{CStr, CString, c_long};
use std::os::unix::ffi::OsStrExt;

use nix::libc;
use nix::sys::signal::Signal;
use rig::puppet::Argument::{Number, Text};
use rig::puppet::{Argument, Outcome, call};
use rig::service::Service;
use rig::usage::threads;

use crate::{assert_serves, launch};

/// Makes one thread that talks to clients make this call.
fn in_the_worker(service: &Service, number: c_long, arguments: &[Argument]) -> Outcome {
    let threads = threads(service.worker_pid());
    let relay = threads.iter().find(|thread| thread.name == "relay-0").expect("there is a relay thread");
    call(relay.id, number, arguments)
}

fn open(service: &Service, path: &CStr, flags: libc::c_int) -> Outcome {
    let at = Number(u64::from(libc::AT_FDCWD.cast_unsigned()));
    in_the_worker(service, libc::SYS_openat, &[at, Text(path), number(flags), number(0o644)])
}

fn number(value: libc::c_int) -> Argument<'static> {
    Number(u64::from(value.cast_unsigned()))
}

fn fails(errno: libc::c_int) -> Outcome {
    Outcome::Returned(-i64::from(errno))
}

#[test]
fn files_beyond_its_needs_are_out_of_reach_whatever_their_permissions() {
    let service = launch("").start();
    for (path, flags, why) in [
        (c"/etc/shadow", libc::O_RDONLY, "its user may not"),
        (c"/etc/rustsocks-was-here", libc::O_WRONLY | libc::O_CREAT, "its user may not"),
        (c"/bin/sh", libc::O_RDONLY, "everybody may, but for the sandbox"),
        (c"/proc/1/status", libc::O_RDONLY, "everybody may, but for the sandbox"),
        (c"/tmp/rustsocks-was-here", libc::O_WRONLY | libc::O_CREAT, "everybody may, but for the sandbox"),
        (c"/dev/shm/rustsocks-was-here", libc::O_RDWR | libc::O_CREAT, "everybody may, but for the sandbox"),
    ] {
        assert_eq!(open(&service, path, flags), fails(libc::EACCES), "{path:?}: {why}");
    }
    let opened = open(&service, c"/etc/resolv.conf", libc::O_RDONLY);
    assert!(matches!(opened, Outcome::Returned(0..)), "what it needs, it may: {opened:?}");
    assert_serves(&service);
}

#[test]
fn a_file_elsewhere_cannot_be_removed_or_renamed_by_whom_its_directory_is_open_to() {
    let service = launch("").start();
    let elsewhere = rig::place::for_everybody();
    let file = elsewhere.path().join("file");
    std::fs::write(&file, "").expect("the directory is ours");
    let path = CString::new(file.as_os_str().as_bytes()).expect("a path has no NUL");
    let here = number(libc::AT_FDCWD);
    let removed = in_the_worker(&service, libc::SYS_unlinkat, &[here, Text(&path), Number(0)]);
    let renamed = in_the_worker(&service, libc::SYS_renameat, &[here, Text(&path), here, Text(c"/tmp/elsewhere")]);
    assert_eq!([removed, renamed], [fails(libc::EACCES), fails(libc::EACCES)]);
    assert!(file.exists());
    assert_serves(&service);
}

#[test]
fn calls_that_it_does_not_need_fail() {
    let service = launch("").start();
    let monitor = number(i32::try_from(service.process.pid()).expect("pids fit into pid_t"));
    let executable = number(libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC);
    let (anonymous, none) = (number(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS), Number(u64::MAX));
    let mapping = [Number(0), Number(4096), executable, anonymous, none, Number(0)];
    let socket = |family, kind, protocol| [number(family), number(kind), number(protocol)];
    let denied = [
        ("a child", libc::SYS_clone, &[number(libc::SIGCHLD)][..]),
        ("a signal", libc::SYS_kill, &[monitor, number(0)]),
        ("code of its own", libc::SYS_mmap, &mapping),
        ("raw packets", libc::SYS_socket, &socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP)),
        ("others' packets", libc::SYS_socket, &socket(libc::AF_PACKET, libc::SOCK_RAW, 0)),
        ("the firewall", libc::SYS_socket, &socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_NETFILTER)),
        ("somebody's limits", libc::SYS_prlimit64, &[monitor, number(7), Number(0), Number(0)]),
        ("a core dump", libc::SYS_prctl, &[number(libc::PR_SET_DUMPABLE), Number(1)]),
        ("a file for everybody", libc::SYS_fchmodat, &[number(libc::AT_FDCWD), Text(c"/tmp/x"), Number(0o777)]),
    ];
    for (what, number, arguments) in denied {
        assert_eq!(in_the_worker(&service, number, arguments), fails(libc::EPERM), "{what}");
    }
    // The C library falls back to clone(2), whose flags can be judged.
    assert_eq!(in_the_worker(&service, libc::SYS_clone3, &[Number(0), Number(0)]), fails(libc::ENOSYS));
    assert_serves(&service);
}

#[test]
fn another_program_other_rights_and_other_processes_memory_are_the_workers_end() {
    let service = launch("").start();
    for (what, number, arguments) in [
        ("another program", libc::SYS_execve, [Text(c"/bin/sh"), Number(0), Number(0)]),
        ("another user", libc::SYS_setresuid, [Number(0), Number(0), Number(0)]),
        ("another process", libc::SYS_ptrace, [Number(16), Number(1), Number(0)]),
        ("another root", libc::SYS_chroot, [Text(c"/tmp"), Number(0), Number(0)]),
        ("another namespace", libc::SYS_unshare, [Number(0x1000_0000), Number(0), Number(0)]),
        ("a program in the kernel", libc::SYS_bpf, [Number(0), Number(0), Number(0)]),
    ] {
        let worker = service.worker_pid();
        assert_eq!(in_the_worker(&service, number, &arguments), Outcome::Killed(Signal::SIGSYS), "{what}");
        let _ = service.successor_of(worker);
        assert_serves(&service);
    }
}
