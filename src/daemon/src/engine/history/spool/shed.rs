//! Makes room when the spool is longer than it may be: the oldest checkpoints go first, then openings, endings last.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};

use history::{Frame, Kind};

use super::directory::{Directory, Number};
use super::ledger::Ledger;
use super::position::Position;
use super::reader::{Behind, Reader};
use crate::state::history::losses::Losses;

/// What has been taken out of which segment already.
#[derive(Debug, Default)]
pub(in crate::engine::history) struct Shedder {
    cheapest_left: BTreeMap<Number, Kind>,
    reader: Reader,
}

impl Shedder {
    /// Takes out what is cheapest and oldest until the segments have at most `bound` bytes or only the current one is left,
    /// and moves `position` along when its segment is written anew.
    ///
    /// # Errors
    /// A segment cannot be read, written or removed; what is done stays done.
    pub(in crate::engine::history) fn shed(
        &mut self,
        (directory, ledger): (&Directory, &Ledger),
        bound: u64,
        position: &mut Position,
        losses: &Losses,
    ) -> io::Result<()> {
        let complete = ledger.complete();
        self.cheapest_left.retain(|number, _| complete.contains(number));
        for kind in Kind::ALL {
            for number in ledger.complete() {
                if ledger.bytes() <= bound {
                    return Ok(());
                }
                if self.cheapest_left.get(&number).copied().unwrap_or(Kind::Checkpoint) <= kind {
                    self.thin_out((directory, ledger), number, kind, position, losses)?;
                }
            }
        }
        Ok(())
    }

    /// Writes a segment anew without the frames of `kind` and of those that are cheaper.
    fn thin_out(
        &mut self,
        (directory, ledger): (&Directory, &Ledger),
        number: Number,
        kind: Kind,
        position: &mut Position,
        losses: &Losses,
    ) -> io::Result<()> {
        let begin = if position.segment == number { position.offset } else { 0 };
        let thinner = number + 1;
        let kept = self.copy(directory, number, thinner, (begin, kind), losses)?;
        directory.remove(number)?;
        ledger.forget(number);
        if kept > 0 {
            ledger.found(thinner, kept);
            self.cheapest_left.insert(thinner, dearer_than(kind));
        }
        if position.segment == number {
            *position = Position { segment: thinner, offset: 0 };
        }
        Ok(())
    }

    /// Copies what is dearer than `kind`; returns how many bytes that were. Nothing is made of nothing.
    fn copy(
        &mut self,
        directory: &Directory,
        from: Number,
        to: Number,
        (begin, kind): (u64, Kind),
        losses: &Losses,
    ) -> io::Result<u64> {
        let source = directory.open(from)?;
        let end = source.metadata()?.len();
        let mut target: Option<File> = None;
        let (mut offset, mut kept) = (begin, 0);
        let mut given_up = Vec::new();
        loop {
            let piece = self.reader.read(&source, offset, end)?;
            let (dear, cheap): (Vec<_>, Vec<_>) = piece.frames.iter().partition(|frame| frame.kind > kind);
            let bytes = dear.iter().map(|frame: &&Frame<'_>| frame.bytes).collect::<Vec<_>>().concat();
            if !bytes.is_empty() {
                let file = match &mut target {
                    Some(file) => file,
                    none => none.insert(directory.create(to)?),
                };
                if let Err(error) = file.write_all(&bytes) {
                    directory.remove(to)?;
                    return Err(error);
                }
            }
            kept += bytes.len() as u64;
            given_up.extend(cheap.iter().map(|frame| frame.kind));
            offset += piece.length;
            if piece.behind != Behind::More {
                for kind in given_up {
                    losses.add(kind, 1);
                }
                return Ok(kept);
            }
        }
    }
}

fn dearer_than(kind: Kind) -> Kind {
    match kind {
        Kind::Checkpoint => Kind::Opened,
        Kind::Opened | Kind::Closed => Kind::Closed,
    }
}
