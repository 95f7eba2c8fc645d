//! In which order the tables of a document are written: each has a position, and those of one position follow the tree.

use toml_edit::{Item, Table};

/// Where the tables inside a table are written, itself not included.
pub(crate) fn positions(table: &Table) -> impl Iterator<Item = isize> {
    let mut found = Vec::new();
    each(table, &mut |table| found.extend(table.position()));
    found.into_iter()
}

/// Gives every table a position of its own, without moving one.
pub(crate) fn renumber(root: &mut Table) {
    let mut last = 0;
    let mut written = Vec::new();
    each(root, &mut |table| {
        last = table.position().unwrap_or(last);
        written.push(last);
    });
    let mut order: Vec<usize> = (0..written.len()).collect();
    order.sort_by_key(|visited| written[*visited]);
    let mut ranks = vec![0; order.len()];
    for (rank, visited) in (0..).zip(order) {
        ranks[visited] = rank;
    }
    let mut ranks = ranks.into_iter();
    each_mut(root, &mut |table| table.set_position(ranks.next()));
}

/// The table that is written at a position.
pub(crate) fn table_at(table: &mut Table, position: isize) -> Option<&mut Table> {
    for (_key, item) in table.iter_mut() {
        for table in inner_mut(item) {
            if table.position() == Some(position) {
                return Some(table);
            }
            if let Some(found) = table_at(table, position) {
                return Some(found);
            }
        }
    }
    None
}

/// Visits the tables inside a table in the order of the tree.
fn each(table: &Table, visit: &mut impl FnMut(&Table)) {
    for (_key, item) in table {
        for table in item.as_table().into_iter().chain(item.as_array_of_tables().into_iter().flatten()) {
            visit(table);
            each(table, visit);
        }
    }
}

fn each_mut(table: &mut Table, visit: &mut impl FnMut(&mut Table)) {
    for (_key, item) in table.iter_mut() {
        for table in inner_mut(item) {
            visit(table);
            each_mut(table, visit);
        }
    }
}

fn inner_mut(item: &mut Item) -> Vec<&mut Table> {
    match item {
        Item::Table(table) => vec![table],
        Item::ArrayOfTables(tables) => tables.iter_mut().collect(),
        Item::None | Item::Value(_) => Vec::new(),
    }
}
