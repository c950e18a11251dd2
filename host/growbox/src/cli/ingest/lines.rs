//! Lines of a file or a pipe, as they come, each of bounded length.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::cli::failure::Failure;

/// The longest line taken; an event has at most 64 KiB of data and metadata.
pub(super) const LINE_BYTES: usize = 256 << 10;
/// Lines read ahead of the host.
const AHEAD: usize = 256;

/// One line, or why there is none.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// Its bytes, without the end of the line.
    Line(Vec<u8>),
    /// It is longer than [`LINE_BYTES`].
    TooLong,
    /// The rest cannot be read.
    Unreadable(String),
}

/// Reads `file`, or standard input for `-`, on a thread of its own: it may have to wait.
pub(super) fn of(file: &Path) -> Result<Receiver<Heard>, Failure> {
    let input: Box<dyn Read + Send> =
        if file.as_os_str() == "-" {
            Box::new(std::io::stdin())
        } else {
            let opened = File::open(file);
            Box::new(opened.map_err(|error| {
                Failure::Usage(format!("cannot read {}: {error}", file.display()))
            })?)
        };
    let (tell, heard) = bounded(AHEAD);
    std::thread::spawn(move || read(BufReader::with_capacity(1 << 16, input), &tell));
    Ok(heard)
}

/// Until the end, or until nobody listens any more.
fn read(mut input: impl BufRead, tell: &Sender<Heard>) {
    loop {
        let heard = match next(&mut input) {
            Ok(Some(heard)) => heard,
            Ok(None) => return,
            Err(error) => Heard::Unreadable(error.to_string()),
        };
        let last = matches!(heard, Heard::Unreadable(_));
        if tell.send(heard).is_err() || last {
            return;
        }
    }
}

fn next(input: &mut impl BufRead) -> std::io::Result<Option<Heard>> {
    let mut line = Vec::new();
    let bound = LINE_BYTES as u64 + 1;
    if input.by_ref().take(bound).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > LINE_BYTES {
        input.skip_until(b'\n')?;
        return Ok(Some(Heard::TooLong));
    }
    Ok(Some(Heard::Line(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_long_ones_passed_over_to_their_end() {
        let long = "x".repeat(3 * LINE_BYTES);
        let exact = "y".repeat(LINE_BYTES);
        let text = format!("a\n\n{long}\n{exact}\nb");
        let (tell, heard) = bounded(10);
        read(std::io::Cursor::new(text), &tell);
        drop(tell);
        let heard: Vec<Heard> = heard.iter().collect();
        let line = |text: &str| Heard::Line(text.into());
        assert_eq!(
            heard,
            [line("a"), line(""), Heard::TooLong, line(&exact), line("b")]
        );
    }
}
