//! Which system calls the process can still make: seccomp(2) filters.
//!
//! Three filters, of which the kernel takes the strictest answer: what is not on the list fails with EPERM, what only an intruder would
//! call kills the process, and `clone3`, whose flags no filter can read, does not exist, so that the C library falls back to `clone`.
//! Calls that are allowed whatever their arguments cost no filter run since Linux 5.11, which remembers them in a bitmap.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

use super::Names;

/// Moving bytes and waiting for them.
const RELAYING: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_recvmmsg,
    libc::SYS_sendmmsg,
    libc::SYS_splice,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_create1,
    libc::SYS_eventfd2,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
];

/// Sockets, apart from their making.
const SOCKETS: &[libc::c_long] = &[
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_connect,
    libc::SYS_shutdown,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_socketpair,
];

/// Descriptors and files, as far as the rules for files let them be opened.
const FILES: &[libc::c_long] = &[
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_fcntl,
    libc::SYS_openat,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_lseek,
    libc::SYS_pread64,
    libc::SYS_getdents64,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getcwd,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    // The history's spool and database.
    libc::SYS_pwrite64,
    libc::SYS_ftruncate,
    libc::SYS_flock,
    libc::SYS_mkdirat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_unlinkat,
    // Rules that an operator applies are handed to the monitor in one.
    libc::SYS_memfd_create,
];

/// Memory, apart from what could make it executable.
const MEMORY: &[libc::c_long] = &[libc::SYS_munmap, libc::SYS_mremap, libc::SYS_madvise, libc::SYS_brk];

/// Threads, time and signals.
const THREADS: &[libc::c_long] = &[
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_membarrier,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Questions about this process and this machine.
const QUESTIONS: &[libc::c_long] = &[
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getppid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getgroups,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    // How much room the disk of the history has.
    libc::SYS_fstatfs,
];

/// What newer architectures leave out, because another call does the same.
#[cfg(target_arch = "x86_64")]
const OLDER: &[libc::c_long] = &[
    libc::SYS_poll,
    libc::SYS_epoll_wait,
    libc::SYS_pipe,
    libc::SYS_dup2,
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_mkdir,
    libc::SYS_rename,
    libc::SYS_unlink,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[libc::c_long] = &[];

/// What no worker ever calls: another program, another process's memory, other rights, another view of the system.
const FATAL: &[libc::c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_mount_setattr,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_personality,
];

/// Requests of ioctl(2): what waits in a socket's queues, blocking or not, whether something is a terminal, an interface's number.
const REQUESTS: &[libc::Ioctl] = &[
    libc::FIONREAD,
    libc::FIONBIO,
    libc::TIOCOUTQ,
    libc::TCGETS,
    libc::TCGETS2,
    0x8905, // SIOCATMARK of linux/sockios.h, whether urgent data is next
    libc::SIOCGIFINDEX,
];

/// Takes away every call but those of the lists.
///
/// # Errors
/// Why it is not so, for the report.
pub(super) fn confine(names: Names) -> Result<(), String> {
    // All are built before the first one holds, and the one that takes away the making of filters comes last.
    let programs = programs(names).map_err(|error| error.to_string())?;
    programs.iter().try_for_each(|program| apply_filter(program)).map_err(|error| error.to_string())
}

fn programs(names: Names) -> Result<[BpfProgram; 3], BackendError> {
    Ok([
        filter(always(&[libc::SYS_clone3]), errno(libc::ENOSYS), SeccompAction::Allow)?,
        filter(always(FATAL), SeccompAction::KillProcess, SeccompAction::Allow)?,
        filter(allowed(names)?, SeccompAction::Allow, errno(libc::EPERM))?,
    ])
}

type Rules = BTreeMap<libc::c_long, Vec<SeccompRule>>;

fn filter(rules: Rules, on: SeccompAction, otherwise: SeccompAction) -> Result<BpfProgram, BackendError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, otherwise, on, architecture)?.try_into()
}

fn errno(number: libc::c_int) -> SeccompAction {
    SeccompAction::Errno(number.unsigned_abs())
}

/// Calls whose arguments do not matter.
fn always(calls: &[libc::c_long]) -> Rules {
    calls.iter().map(|call| (*call, Vec::new())).collect()
}

fn allowed(names: Names) -> Result<Rules, BackendError> {
    let lists = [RELAYING, SOCKETS, FILES, MEMORY, THREADS, QUESTIONS, OLDER];
    let mut rules = always(&lists.concat());
    rules.insert(libc::SYS_clone3, Vec::new());
    rules.extend(conditional(names)?);
    Ok(rules)
}

/// Calls that depend on an argument.
fn conditional(names: Names) -> Result<Rules, BackendError> {
    let (exec, write) = (libc::PROT_EXEC, libc::PROT_WRITE);
    let maps = match names {
        Names::Ourselves => vec![has_bits(2, exec, 0)?],
        // The modules of nsswitch.conf(5) are loaded when they are needed; memory that can be written is still never executed.
        Names::System => vec![has_bits(2, exec, 0)?, has_bits(2, exec | write, exec)?],
    };
    let ourselves = u64::from(std::process::id());
    let requests = REQUESTS.iter().map(|request| is(1, *request));
    Ok(Rules::from([
        (libc::SYS_socket, sockets()?),
        (libc::SYS_ioctl, requests.collect::<Result<_, _>>()?),
        (libc::SYS_mmap, maps),
        (libc::SYS_mprotect, vec![has_bits(2, exec, 0)?]),
        // Threads, and no processes.
        (libc::SYS_clone, vec![has_bits(0, libc::CLONE_THREAD, libc::CLONE_THREAD)?]),
        // abort(3) of this process, and signals to nobody else.
        (libc::SYS_tgkill, vec![is(0, ourselves)?]),
        (libc::SYS_prlimit64, vec![is(0, 0)?]),
        // The turns of the thread itself.
        (libc::SYS_sched_getattr, vec![is(0, 0)?]),
        (libc::SYS_sched_setattr, vec![is(0, 0)?]),
        (libc::SYS_prctl, vec![is(0, number(libc::PR_SET_NAME))?]),
    ]))
}

/// TCP and UDP for clients and targets, Unix sockets for the C library's name services, routing messages for the list of interfaces.
fn sockets() -> Result<Vec<SeccompRule>, BackendError> {
    // The upper bits of the type are SOCK_CLOEXEC and SOCK_NONBLOCK (socket(2)).
    let internet = |family, kind| {
        SeccompRule::new(vec![argument(0, SeccompCmpOp::Eq, family)?, argument(1, SeccompCmpOp::MaskedEq(0xf), kind)?])
    };
    Ok(vec![
        internet(libc::AF_INET, libc::SOCK_STREAM)?,
        internet(libc::AF_INET, libc::SOCK_DGRAM)?,
        internet(libc::AF_INET6, libc::SOCK_STREAM)?,
        internet(libc::AF_INET6, libc::SOCK_DGRAM)?,
        is(0, number(libc::AF_UNIX))?,
        SeccompRule::new(vec![
            argument(0, SeccompCmpOp::Eq, libc::AF_NETLINK)?,
            argument(2, SeccompCmpOp::Eq, libc::NETLINK_ROUTE)?,
        ])?,
    ])
}

/// Flags and numbers of the C library are ints that are never negative.
fn number(value: libc::c_int) -> u64 {
    u64::from(value.unsigned_abs())
}

/// The lower half of the argument is this value: all of these arguments are ints.
fn is(place: u8, value: u64) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(place, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)?])
}

/// Of these bits of the argument, exactly those of the value are set.
fn has_bits(place: u8, bits: libc::c_int, value: libc::c_int) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![argument(place, SeccompCmpOp::MaskedEq(number(bits)), value)?])
}

fn argument(place: u8, operator: SeccompCmpOp, value: libc::c_int) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(place, SeccompCmpArgLen::Dword, operator, number(value))
}
