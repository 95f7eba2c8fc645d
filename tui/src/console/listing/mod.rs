//! Screens that are a list, asked for when they are opened: history, checks.

mod draw;

use serde_json::Value;

pub(crate) use self::draw::{draw, rows};
use crate::output::{Kind, Sheet, raw};

/// Rows, and the one that is meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listing {
    pub(crate) sheet: Sheet,
    /// What the rows were made of, for the detail.
    pub(crate) objects: Vec<Value>,
    pub(crate) cursor: usize,
    /// So many columns behind the first are left of the screen.
    pub(crate) aside: usize,
    /// The row that is to be meant once the list has come.
    pub(crate) goal: Option<usize>,
    /// What was looked for last.
    pub(crate) sought: String,
    pub(crate) is_waiting: bool,
    /// Whether one has ever come.
    pub(crate) has_come: bool,
    pub(crate) fault: Option<String>,
}

/// Columns by name and what they hold.
pub(crate) type Columns = &'static [(&'static str, Kind)];

impl Listing {
    /// Whether there is none because it was asked for, and did not come yet.
    pub(crate) fn is_coming(&self) -> bool {
        self.fault.is_none() && (self.is_waiting || !self.has_come)
    }

    /// The list came.
    pub(crate) fn fill(&mut self, columns: Columns, objects: Vec<Value>) {
        self.sheet = Sheet::of_objects(columns, &objects);
        self.filled(objects);
    }

    /// The same with rows that were made of what came.
    pub(crate) fn fill_as(&mut self, columns: Columns, rows: &[Value], objects: Vec<Value>) {
        self.sheet = Sheet::of_objects(columns, rows);
        self.filled(objects);
    }

    fn filled(&mut self, objects: Vec<Value>) {
        self.cursor = self.goal.take().unwrap_or(self.cursor).min(objects.len().saturating_sub(1));
        self.objects = objects;
        self.has_come = true;
        self.is_waiting = false;
        self.fault = None;
    }

    /// One more came, which is the first now. What is meant stays, and who is at the top has the latest.
    pub(crate) fn add_first(&mut self, columns: Columns, object: Value, most: usize) {
        let is_fuller = !self.sheet.has_columns_of(columns, &object);
        self.objects.insert(0, object);
        self.objects.truncate(most);
        if is_fuller {
            self.sheet = Sheet::of_objects(columns, &self.objects);
        } else {
            self.sheet.add_first(&self.objects[0], most);
        }
        if self.cursor > 0 {
            self.cursor = (self.cursor + 1).min(self.objects.len() - 1);
        }
        self.has_come = true;
        self.is_waiting = false;
        self.fault = None;
    }

    pub(crate) fn refused(&mut self, why: String) {
        self.is_waiting = false;
        self.goal = None;
        self.fault = Some(why);
    }

    /// So many rows down.
    pub(crate) fn moved(&mut self, by: isize) {
        let last = self.sheet.rows.len().saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(by).min(last);
    }

    /// So many columns to the right; the first one stays.
    pub(crate) fn scrolled(&mut self, by: isize, reach: usize) {
        self.aside = self.aside.min(reach).saturating_add_signed(by).min(reach);
    }

    /// Everything that a row says.
    pub(crate) fn text(&self, place: usize) -> String {
        self.sheet.rows.get(place).map(|row| row.iter().map(raw).collect::<Vec<_>>().join(" ")).unwrap_or_default()
    }

    /// Everything that is known of the row that is meant, as people see it.
    pub(crate) fn record(&self) -> Value {
        let mut record = self.objects.get(self.cursor).cloned().unwrap_or_default();
        for (name, kind) in &self.sheet.columns {
            if let Some(value) = record.get_mut(name) {
                *value = kind.with_unit(value);
            }
        }
        record
    }

    /// The row that is meant.
    pub(crate) fn row(&self) -> Vec<String> {
        self.sheet.rows.get(self.cursor).map(|row| row.iter().map(raw).collect()).unwrap_or_default()
    }
}
