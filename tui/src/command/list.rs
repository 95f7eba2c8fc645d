//! Tables of sessions: those that are in, from a view whose order is held, and those that were.

use filter::{Filter, Misread, SESSIONS};
use serde_json::{Value, json};
use wire::admin::{Direction, ViewChange, ViewOpen, ViewOpened, Window};

use super::Desk;
use super::history::Time;
use crate::args::{List, Measure};
use crate::failure::Failure;
use crate::output::{Kind, Sheet};
use crate::past::both;

/// What people see of a session if they do not say what.
const COLUMNS: [&str; 10] = ["id", "user", "src", "dst", "up", "down", "rate", "start", "rule", "proto"];

/// Rows of one answer.
pub(super) const WINDOW: usize = 500;

impl Desk {
    pub(super) fn list(&mut self, list: &List) -> Result<(), Failure> {
        let user = list.user.as_ref().map(|user| format!("user={}", filter::quoted(user)));
        let wanted = both(&user.unwrap_or_default(), list.filter.as_deref().unwrap_or_default());
        let wanted = Some(wanted).filter(|wanted| !wanted.is_empty());
        if let Some(last) = &list.last {
            let time = Time { from: Some(last.clone()), to: None };
            self.past(wanted, time, list.limit.unwrap_or(1000), list.sort.as_deref())
        } else {
            let cols = self.output.is_for_people().then(|| COLUMNS.map(str::to_owned).to_vec());
            let cols = self.output.fields.clone().or(cols);
            let sheet = self.live(wanted, list.sort.as_deref(), list.limit.unwrap_or(usize::MAX), cols)?;
            self.output.rows("rustsocks.sessions/1", sheet)
        }
    }

    /// Sessions that are in, as they are now: the order is held while the windows are fetched.
    pub(super) fn live(
        &mut self,
        filter: Option<String>,
        sort: Option<&str>,
        limit: usize,
        cols: Option<Vec<String>>,
    ) -> Result<Sheet, Failure> {
        checked(filter.as_deref(), SESSIONS)?;
        let sort = sort.map(sorted).into_iter().collect();
        let open = ViewOpen {
            of: "sessions".to_owned(),
            filter,
            sort,
            cols,
            win: Window::At { off: 0, len: WINDOW },
            every_ms: Some(60_000),
            hold: Some(true),
            digest: None,
        };
        self.all_of(&open, limit)
    }

    /// So many rows of a view whose order is held, window by window.
    pub(super) fn all_of(&mut self, open: &ViewOpen, limit: usize) -> Result<Sheet, Failure> {
        let win = |off| Window::At { off, len: WINDOW.min(limit - off) };
        let open = ViewOpen { win: win(0), ..open.clone() };
        let mut window: ViewOpened = self.connection.call("view.open", &open)?;
        let mut sheet = Sheet::of_view(&window.cols);
        let sub = window.sub;
        loop {
            let is_last = window.rows.is_empty();
            sheet.rows.append(&mut window.rows);
            if is_last || sheet.rows.len() >= limit || sheet.rows.len() as u64 >= window.matched {
                let _closed: Value = self.connection.call("view.close", &json!({ "sub": sub }))?;
                return Ok(sheet);
            }
            let change = ViewChange { sub, win: Some(win(sheet.rows.len())), ..ViewChange::default() };
            window = self.connection.call("view.set", &change)?;
        }
    }

    /// Users by what they have in.
    pub(super) fn top(&mut self, by: Measure, limit: usize) -> Result<(), Failure> {
        let columns = ["id", "user", "up", "down", "rate"].map(str::to_owned).to_vec();
        let sheet = self.live(None, None, usize::MAX, Some(columns))?;
        let mut users: Vec<(String, [u64; 3])> = Vec::new();
        for session in sheet.objects() {
            let name = session["user"].as_str().unwrap_or("-").to_owned();
            let moved = ["up", "down"].iter().filter_map(|column| session[column].as_u64()).sum::<u64>();
            let one = [1, moved, session["rate"].as_u64().unwrap_or(0)];
            match users.iter_mut().find(|(user, _)| *user == name) {
                Some((_, sums)) => sums.iter_mut().zip(one).for_each(|(sum, one)| *sum = sum.saturating_add(one)),
                None => users.push((name, one)),
            }
        }
        users.sort_by(|(a_name, a), (b_name, b)| b[by as usize].cmp(&a[by as usize]).then(a_name.cmp(b_name)));
        users.truncate(limit);
        let columns = [("user", Kind::Text), ("sessions", Kind::Count), ("bytes", Kind::Bytes), ("rate", Kind::Rate)];
        let columns = columns.map(|(name, kind)| (name.to_owned(), kind)).to_vec();
        let row = |(user, [sessions, bytes, rate]): (String, [u64; 3])| {
            vec![json!(user), json!(sessions), json!(bytes), json!(rate)]
        };
        self.output.rows("rustsocks.top/1", Sheet { columns, rows: users.into_iter().map(row).collect() })
    }
}

/// A filter is checked here before it is sent, so that a script learns of a slip by its exit code.
pub(super) fn checked(filter: Option<&str>, fields: &[filter::Field]) -> Result<(), Failure> {
    let misread = |misread: Misread| Failure::Usage(format!("the filter makes no sense at {misread}"));
    filter.map_or(Ok(()), |text| Filter::parse(text, fields).map(|_| ()).map_err(misread))
}

/// `-rate` is the greatest rate first.
pub(super) fn sorted(column: &str) -> (String, Direction) {
    match column.strip_prefix('-') {
        Some(column) => (column.to_owned(), Direction::Desc),
        None => (column.to_owned(), Direction::Asc),
    }
}
