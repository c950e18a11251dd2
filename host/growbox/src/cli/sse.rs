//! Server-sent events, line by line: numbers, types and data out of a stream of bytes.

use std::io::BufRead;

/// The longest line taken; an event has at most 64 KiB of data and metadata.
const LINE_BYTES: u64 = 1 << 20;

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Frame {
    /// Its id: the event's number.
    pub(super) id: String,
    /// Its data: the event as JSON.
    pub(super) data: String,
}

/// Reads the next event; none at the end of the stream. Comments (a sign of life) are passed over.
pub(super) fn next_frame(stream: &mut dyn BufRead) -> std::io::Result<Option<Frame>> {
    let mut frame = Frame::default();
    loop {
        let mut line = String::new();
        let mut bounded = std::io::Read::take(&mut *stream, LINE_BYTES);
        if bounded.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if !line.ends_with('\n') && line.len() as u64 == LINE_BYTES {
            return Err(std::io::Error::other("a line of the stream has no end"));
        }
        let line = line.trim_end_matches(['\n', '\r']);
        if line.is_empty() {
            if !frame.data.is_empty() {
                return Ok(Some(frame));
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => value.clone_into(&mut frame.id),
            "data" if frame.data.is_empty() => value.clone_into(&mut frame.data),
            "data" => {
                frame.data.push('\n');
                frame.data.push_str(value);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart() {
        let text = ": hello\n\nid: 7\nevent: a\ndata: {\"x\":1}\n\n:\n\nid:8\r\ndata:{\ndata:}\r\n\r\ndata: cut";
        let mut stream = std::io::Cursor::new(text);
        let frame = |id: &str, data: &str| {
            Some(Frame {
                id: id.into(),
                data: data.into(),
            })
        };
        assert_eq!(next_frame(&mut stream).unwrap(), frame("7", "{\"x\":1}"));
        assert_eq!(next_frame(&mut stream).unwrap(), frame("8", "{\n}"));
        assert_eq!(
            next_frame(&mut stream).unwrap(),
            None,
            "half an event is none"
        );
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut stream = std::io::BufReader::new(std::io::repeat(b'x'));
        assert!(next_frame(&mut stream).is_err());
    }
}
