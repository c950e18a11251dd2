//! The far side of outbound calls: an HTTP server and a mail server on loopback that remember what came.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::wait::{DEADLINE, until};

/// What the far side does with a call.
#[derive(Debug, Clone)]
pub enum Reply {
    /// It answers with this status, and says this.
    Status(u16, &'static str),
    /// It sends the caller elsewhere.
    Redirect(String),
    /// It takes the call and never answers.
    Silence,
}

/// A call or a mail as it came: for HTTP the head, an empty line and the body, for mail its text.
type Said = Arc<Mutex<Vec<String>>>;

/// A server on a port of its own; it ends when it is dropped.
#[derive(Debug)]
pub struct FarSide {
    address: SocketAddr,
    said: Said,
    ended: Arc<AtomicBool>,
}

impl FarSide {
    /// Takes calls and answers them in this order; the last reply is for all that follow.
    ///
    /// # Panics
    /// Where the machine has no free port, or there is no reply.
    #[must_use]
    pub fn http(replies: &[Reply]) -> Self {
        let replies = replies.to_vec();
        assert!(!replies.is_empty(), "the far side does something");
        Self::serve(move |stream, said| take_call(stream, said, &replies))
    }

    /// Takes mail, without TLS and without a password.
    ///
    /// # Panics
    /// Where the machine has no free port.
    #[must_use]
    pub fn mail() -> Self {
        Self::serve(take_mail)
    }

    fn serve(
        take: impl Fn(TcpStream, &Said) -> std::io::Result<()> + Clone + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let side = Self {
            address,
            said: Said::default(),
            ended: Arc::default(),
        };
        let (said, ended) = (side.said.clone(), side.ended.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::Acquire) {
                    return;
                }
                let (take, said) = (take.clone(), said.clone());
                // A caller that goes away in the middle is the host's affair.
                std::thread::spawn(move || drop(take(stream, &said)));
            }
        });
        side
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Everything that came so far.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        lock(&self.said).clone()
    }

    /// Waits until so much has come, and returns all of it.
    ///
    /// # Panics
    /// Where it does not come before the deadline.
    #[must_use]
    #[track_caller]
    pub fn hear(&self, count: usize) -> Vec<String> {
        until(&format!("{count} calls"), || {
            Some(self.said()).filter(|said| said.len() >= count)
        })
    }
}

impl Drop for FarSide {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        // It looks up when somebody comes.
        drop(TcpStream::connect(self.address));
    }
}

fn lock(said: &Said) -> std::sync::MutexGuard<'_, Vec<String>> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take_call(mut stream: TcpStream, said: &Said, replies: &[Reply]) -> std::io::Result<()> {
    stream.set_read_timeout(Some(DEADLINE))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut call, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        call.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    call.push_str(&String::from_utf8_lossy(&body));
    let number = {
        let mut said = lock(said);
        said.push(call);
        said.len() - 1
    };
    let (head, body) = match &replies[number.min(replies.len() - 1)] {
        Reply::Status(status, body) => (format!("{status} x"), *body),
        Reply::Redirect(to) => (format!("302 x\r\nLocation: {to}"), ""),
        Reply::Silence => {
            // Until the caller gives up.
            return reader.read(&mut [0]).map(drop);
        }
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn take_mail(mut stream: TcpStream, said: &Said) -> std::io::Result<()> {
    stream.set_read_timeout(Some(DEADLINE))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    stream.write_all(b"220 far.example\r\n")?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let answer = match line.split_whitespace().next().unwrap_or_default() {
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    if reader.read_line(&mut mail)? == 0 {
                        return Ok(());
                    }
                }
                lock(said).push(mail);
                "250 taken\r\n"
            }
            "QUIT" => return stream.write_all(b"221 bye\r\n"),
            _ => "250 yes\r\n",
        };
        stream.write_all(answer.as_bytes())?;
    }
}
