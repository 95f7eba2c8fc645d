//! libpam's calls: the only unsafe code of this program.
//!
//! A [`Transaction`] is one `pam_start(3)` with its `pam_end(3)`; whatever else it offers is safe to call in any order.
//! Of the crate `pam` only the bindings are used: its own `start` hands over a user name that is already freed, and its conversation
//! takes every error message for a failure.

#![expect(unsafe_code, reason = "libpam is C; each call says why it is sound")]

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_int, c_uint, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::time::Duration;

use nix::libc;
use pam::ffi;

use crate::conversation::{Conversation, Reply, Style};

/// A return value of libpam other than `PAM_SUCCESS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(pub(crate) c_int);

/// What a transaction knows about the client (`pam_set_item(3)`).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Item {
    Terminal,
    RemoteHost,
    RemoteUser,
}

/// One conversation of this program with a service's modules.
#[derive(Debug)]
pub(crate) struct Transaction<'c> {
    handle: NonNull<ffi::pam_handle_t>,
    flags: c_int,
    /// What the last step returned; `pam_end(3)` tells the modules.
    last: c_int,
    /// libpam holds a pointer to it until the end.
    conversation: PhantomData<&'c RefCell<Conversation>>,
}

impl<'c> Transaction<'c> {
    /// Begins with a service and a user; the service's file is in `directory`, or where libpam looks by itself.
    pub(crate) fn start(
        service: &CStr,
        user: &CStr,
        directory: Option<&CStr>,
        conversation: &'c RefCell<Conversation>,
    ) -> Result<Self, Code> {
        let client = ffi::pam_conv { conv: Some(converse), appdata_ptr: ptr::from_ref(conversation).cast_mut().cast() };
        let mut handle = ptr::null_mut();
        let (service, user) = (service.as_ptr(), user.as_ptr());
        // SAFETY: the texts end with NUL and live through the call, which copies them and `client`.
        // `conversation` outlives the transaction by the lifetime 'c, and the pointer to it is only used by the two functions below.
        let code = unsafe {
            match directory {
                Some(directory) => {
                    ffi::pam_start_confdir(service, user, &raw const client, directory.as_ptr(), &raw mut handle)
                }
                None => ffi::pam_start(service, user, &raw const client, &raw mut handle),
            }
        };
        let started = NonNull::new(handle).filter(|_| code == ffi::PAM_SUCCESS);
        // An empty password never lets anybody in.
        let flags = ffi::PAM_SILENT | ffi::PAM_DISALLOW_NULL_AUTHTOK;
        started.map(|handle| Self { handle, flags, last: code, conversation: PhantomData }).ok_or(Code(code))
    }

    /// Lets modules speak, which they would not do without being asked.
    pub(crate) fn be_verbose(&mut self) {
        self.flags &= !ffi::PAM_SILENT;
    }

    pub(crate) fn set(&mut self, item: Item, text: &CStr) -> Result<(), Code> {
        // SAFETY: these items are texts that end with NUL, and libpam copies them.
        let code = unsafe { ffi::pam_set_item(self.handle.as_ptr(), item.number(), text.as_ptr().cast()) };
        self.came_to(code)
    }

    /// From now on the delay that modules ask for after a failure is only noted: this process has others to serve meanwhile.
    pub(crate) fn take_over_delay(&mut self) -> Result<(), Code> {
        let function: extern "C" fn(c_int, c_uint, *mut c_void) = note_delay;
        // SAFETY: this item is a pointer to a function of that type (`pam_fail_delay(3)`), and a function lives for ever.
        let code = unsafe { ffi::pam_set_item(self.handle.as_ptr(), ffi::PAM_FAIL_DELAY, function as *const c_void) };
        self.came_to(code)
    }

    /// `pam_authenticate(3)`: is it that user?
    pub(crate) fn authenticate(&mut self) -> Result<(), Code> {
        // SAFETY: the handle is valid until `pam_end`; this thread is the only one that uses it.
        let code = unsafe { ffi::pam_authenticate(self.handle.as_ptr(), self.flags) };
        self.came_to(code)
    }

    /// `pam_acct_mgmt(3)`: may that user in, here and now?
    pub(crate) fn check_account(&mut self) -> Result<(), Code> {
        // SAFETY: as in `authenticate`.
        let code = unsafe { ffi::pam_acct_mgmt(self.handle.as_ptr(), self.flags) };
        self.came_to(code)
    }

    /// Whom the modules think that they let in; nothing if they have forgotten.
    pub(crate) fn user(&self) -> Option<CString> {
        let mut item = ptr::null();
        // SAFETY: the handle is valid; libpam writes a pointer into `item` or leaves it.
        let code = unsafe { ffi::pam_get_item(self.handle.as_ptr(), ffi::PAM_USER, &raw mut item) };
        if code != ffi::PAM_SUCCESS || item.is_null() {
            return None;
        }
        // SAFETY: this item is a text that ends with NUL; it belongs to libpam and is copied before anything could change it.
        Some(unsafe { CStr::from_ptr(item.cast()) }.to_owned())
    }

    fn came_to(&mut self, code: c_int) -> Result<(), Code> {
        self.last = code;
        if code == ffi::PAM_SUCCESS { Ok(()) } else { Err(Code(code)) }
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is valid, and nobody can use it after this.
        unsafe { ffi::pam_end(self.handle.as_ptr(), self.last) };
    }
}

impl Item {
    fn number(self) -> c_int {
        match self {
            Self::Terminal => ffi::PAM_TTY,
            Self::RemoteHost => ffi::PAM_RHOST,
            Self::RemoteUser => ffi::PAM_RUSER,
        }
    }
}

/// `Authentication failure (7)`
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: Linux-PAM ignores the handle; it returns a text for every number, which lives for ever.
        let text = unsafe { ffi::pam_strerror(ptr::null_mut(), self.0) };
        if text.is_null() {
            return write!(f, "error {}", self.0);
        }
        // SAFETY: it is not null, see above, and ends with NUL.
        let text = unsafe { CStr::from_ptr(text) };
        write!(f, "{} ({})", text.to_string_lossy(), self.0)
    }
}

/// `pam_conv(3)`: modules call it through libpam while one of the steps above runs.
///
/// It must not panic, for a panic cannot pass through C.
extern "C" fn converse(
    count: c_int,
    messages: *mut *const ffi::pam_message,
    responses: *mut *mut ffi::pam_response,
    data: *mut c_void,
) -> c_int {
    let Some(count) = usize::try_from(count).ok().filter(|count| (1..=MOST_MESSAGES).contains(count)) else {
        return ffi::PAM_CONV_ERR;
    };
    if messages.is_null() || responses.is_null() || data.is_null() {
        return ffi::PAM_CONV_ERR;
    }
    // SAFETY: `data` is what `start` has put there; it lives until the transaction ends, and steps run only before.
    let conversation = unsafe { &*data.cast::<RefCell<Conversation>>() };
    let Ok(mut conversation) = conversation.try_borrow_mut() else { return ffi::PAM_CONV_ERR };
    let Some(mut answers) = Answers::new(count) else { return ffi::PAM_BUF_ERR };
    for at in 0..count {
        // SAFETY: in Linux-PAM `messages` is an array of `count` pointers to messages that live through this call.
        let Some(message) = (unsafe { (*messages.add(at)).as_ref() }) else { return ffi::PAM_CONV_ERR };
        match conversation.reply(style(message.msg_style), &text(message)) {
            Reply::Nothing => {}
            Reply::Text(secret) => {
                if answers.put(at, secret.expose().as_bytes()).is_none() {
                    return ffi::PAM_BUF_ERR;
                }
            }
            Reply::Refusal => return ffi::PAM_CONV_ERR,
        }
    }
    // SAFETY: it points to where libpam wants the array, which is then the module's to free.
    unsafe { *responses = answers.hand_over() };
    ffi::PAM_SUCCESS
}

/// `PAM_MAX_NUM_MSG`
const MOST_MESSAGES: usize = 32;

fn style(number: c_int) -> Style {
    match number {
        ffi::PAM_PROMPT_ECHO_OFF => Style::Hidden,
        ffi::PAM_TEXT_INFO | ffi::PAM_ERROR_MSG => Style::Saying,
        _ => Style::Visible,
    }
}

fn text(message: &ffi::pam_message) -> String {
    if message.msg.is_null() {
        return String::new();
    }
    // SAFETY: a message is a text that ends with NUL and lives through the call of `converse`.
    unsafe { CStr::from_ptr(message.msg) }.to_string_lossy().into_owned()
}

/// The answers to the messages of one call, in memory of the C library, because a module frees it.
struct Answers {
    first: *mut ffi::pam_response,
    count: usize,
}

impl Answers {
    fn new(count: usize) -> Option<Self> {
        // SAFETY: a call without conditions; zeroes are responses without a text.
        let first = unsafe { libc::calloc(count, size_of::<ffi::pam_response>()) }.cast::<ffi::pam_response>();
        (!first.is_null()).then_some(Self { first, count })
    }

    /// Copies the text as the answer to message `at`, which must be one of them and have none yet.
    fn put(&mut self, at: usize, text: &[u8]) -> Option<()> {
        debug_assert!(at < self.count, "there is an answer for each message");
        // SAFETY: a call without conditions; one byte more than the text stays zero and ends it.
        let copy = unsafe { libc::calloc(text.len() + 1, 1) }.cast::<u8>();
        if copy.is_null() {
            return None;
        }
        // SAFETY: `copy` has room for the text and overlaps nothing; `at` is within the array, which nobody else uses.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr(), copy, text.len());
            (*self.first.add(at)).resp = copy.cast();
        }
        Some(())
    }

    fn hand_over(self) -> *mut ffi::pam_response {
        std::mem::ManuallyDrop::new(self).first
    }
}

/// Wipes and frees what no module will get.
impl Drop for Answers {
    fn drop(&mut self) {
        for at in 0..self.count {
            // SAFETY: `at` is within the array; a text in it was made by `put`, ends with NUL, and is freed once.
            unsafe {
                let text = (*self.first.add(at)).resp;
                if !text.is_null() {
                    libc::explicit_bzero(text.cast(), libc::strlen(text));
                    libc::free(text.cast());
                }
            }
        }
        // SAFETY: it was made by `calloc` in `new` and is freed once.
        unsafe { libc::free(self.first.cast()) };
    }
}

/// `pam_fail_delay(3)`: libpam calls it at the end of an authentication instead of sleeping.
///
/// Of a success too: an account that is then refused should not answer sooner than a wrong password.
extern "C" fn note_delay(_status: c_int, microseconds: c_uint, data: *mut c_void) {
    if data.is_null() {
        return;
    }
    // SAFETY: as in `converse`.
    let conversation = unsafe { &*data.cast::<RefCell<Conversation>>() };
    if let Ok(mut conversation) = conversation.try_borrow_mut() {
        conversation.delay = Duration::from_micros(microseconds.into());
    }
}
