//! What a server says, frame by frame, out of the bytes that come. Pure; bounded whatever comes.
//!
//! A message is cut out of the bytes as they were read: subject, reply subject and payload share them, nothing is copied.

use std::ops::Range;

use async_nats::{HeaderMap, HeaderName, HeaderValue, Message, StatusCode, Subject};
use bytes::{Bytes, BytesMut};
use memchr::memchr;

/// Longest line: a server tells of itself and its cluster in one.
const LINE_MAX: usize = 1 << 16;
/// Largest message, headers included: no server can be told to take larger ones.
const MESSAGE_MAX: usize = 64 << 20;
/// Room for what is read at once.
const ROOM: usize = 1 << 16;

/// What a server says.
#[derive(Debug)]
pub(super) enum Frame {
    /// About itself, as JSON.
    Info(Bytes),
    /// A message, and the number of the subscription that it is for.
    Message(u64, Box<Message>),
    /// Asks whether we are there.
    Ping,
    /// Is there.
    Pong,
    /// Took something; it says so only where it was asked to.
    Ok,
    /// Refuses something, in its words.
    Refusal(String),
}

/// Why bytes are not what a server says: the connection is of no use any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server said something that is not the NATS protocol: {0}")]
pub struct Malformed(&'static str);

/// Takes in bytes and gives out frames.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: BytesMut,
    /// There is no frame in fewer bytes than these.
    needed: usize,
}

impl Frames {
    /// Where the next bytes go; there is room for some.
    pub(super) fn room(&mut self) -> &mut BytesMut {
        let least = self.needed.saturating_sub(self.bytes.len()).max(ROOM / 8);
        if self.bytes.capacity() - self.bytes.len() < least {
            self.bytes.reserve(least.max(ROOM));
        }
        &mut self.bytes
    }

    /// The next frame; `None` when it has not come whole.
    ///
    /// # Errors
    /// When what came is no frame. Nothing comes after that.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Malformed> {
        if self.bytes.len() < self.needed.max(1) {
            return Ok(None);
        }
        let Some(end) = memchr(b'\n', &self.bytes) else {
            return if self.bytes.len() > LINE_MAX { Err(Malformed("a line without an end")) } else { Ok(None) };
        };
        let next = end + 1;
        let line = &self.bytes[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (word, rest) = match memchr(b' ', line) {
            Some(space) => (&line[..space], space + 1),
            None => (line, line.len()),
        };
        let with_headers = match word {
            b"MSG" | b"msg" => false,
            b"HMSG" | b"hmsg" => true,
            _ => {
                let (word, rest) = (Word::of(word)?, rest..line.len());
                let taken = self.take(next);
                return Ok(Some(match word {
                    Word::Info => Frame::Info(taken.slice(rest)),
                    Word::Ping => Frame::Ping,
                    Word::Pong => Frame::Pong,
                    Word::Ok => Frame::Ok,
                    Word::Refusal => {
                        let words = String::from_utf8_lossy(&taken[rest]).into_owned();
                        Frame::Refusal(words.trim_matches(['\'', ' ']).to_owned())
                    }
                }));
            }
        };
        let head = Head::read(line, rest, with_headers)?;
        let whole = next + head.total + 2;
        if self.bytes.len() < whole {
            self.needed = whole;
            return Ok(None);
        }
        let taken = self.take(whole);
        if !taken.ends_with(b"\r\n") {
            return Err(Malformed("a message that is longer than it says"));
        }
        Ok(Some(Frame::Message(head.subscription, Box::new(head.message(&taken, next)?))))
    }

    fn take(&mut self, count: usize) -> Bytes {
        self.needed = 0;
        self.bytes.split_to(count).freeze()
    }
}

/// What a line begins with that is no message.
enum Word {
    Info,
    Ping,
    Pong,
    Ok,
    Refusal,
}

impl Word {
    fn of(word: &[u8]) -> Result<Self, Malformed> {
        let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
        match word {
            _ if is(b"PING") => Ok(Self::Ping),
            _ if is(b"PONG") => Ok(Self::Pong),
            _ if is(b"INFO") => Ok(Self::Info),
            _ if is(b"+OK") => Ok(Self::Ok),
            _ if is(b"-ERR") => Ok(Self::Refusal),
            _ => Err(Malformed("a word that it does not know")),
        }
    }
}

/// The line before a message: `<subject> <subscription> [<reply>] [<bytes of headers>] <bytes in all>`.
struct Head {
    subject: Range<usize>,
    subscription: u64,
    reply: Option<Range<usize>>,
    headers: usize,
    total: usize,
}

impl Head {
    /// Reads the line from `from` on.
    fn read(line: &[u8], from: usize, with_headers: bool) -> Result<Self, Malformed> {
        let mut tokens = [const { 0..0 }; 5];
        let mut count = 0;
        let mut at = from;
        while at < line.len() {
            let end = memchr(b' ', &line[at..]).map_or(line.len(), |space| at + space);
            if end > at {
                *tokens.get_mut(count).ok_or(Malformed("a message with too many words before it"))? = at..end;
                count += 1;
            }
            at = end + 1;
        }
        let sizes = if with_headers { 2 } else { 1 };
        let reply = match count.checked_sub(2 + sizes) {
            Some(0) => None,
            Some(1) => Some(tokens[2].clone()),
            _ => return Err(Malformed("a message with too few words before it, or too many")),
        };
        let number = |token: &Range<usize>| number(&line[token.clone()]).ok_or(Malformed("a number that is none"));
        let size = |token: &Range<usize>| {
            let size = usize::try_from(number(token)?).ok().filter(|size| *size <= MESSAGE_MAX);
            size.ok_or(Malformed("a message larger than any can be"))
        };
        let total = size(&tokens[count - 1])?;
        let headers = if with_headers { size(&tokens[count - 2])? } else { 0 };
        if headers > total {
            return Err(Malformed("a message with more headers than bytes"));
        }
        Ok(Self { subject: tokens[0].clone(), subscription: number(&tokens[1])?, reply, headers, total })
    }

    /// The message in `taken`, whose line ends before `body`.
    fn message(self, taken: &Bytes, body: usize) -> Result<Message, Malformed> {
        let subject =
            |range| Subject::from_utf8(taken.slice(range)).map_err(|_| Malformed("a subject that is no text"));
        let payload = body + self.headers;
        let told = if self.headers == 0 { Told::default() } else { Told::read(&taken[body..payload])? };
        Ok(Message {
            subject: subject(self.subject)?,
            reply: self.reply.map(subject).transpose()?,
            payload: taken.slice(payload..body + self.total),
            headers: told.headers,
            status: told.status,
            description: told.description,
            length: self.total,
        })
    }
}

/// What the headers of a message say.
#[derive(Default)]
struct Told {
    headers: Option<HeaderMap>,
    status: Option<StatusCode>,
    description: Option<String>,
}

impl Told {
    fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed("headers that are no text"))?;
        let mut lines = text.split("\r\n");
        let first = lines.next().and_then(|line| line.strip_prefix("NATS/1.0"));
        let first = first.ok_or(Malformed("headers of another version"))?.trim();
        let (code, description) = first.split_once(' ').unwrap_or((first, ""));
        let status = match code {
            "" => None,
            code => Some(
                code.parse()
                    .ok()
                    .and_then(|code| StatusCode::from_u16(code).ok())
                    .ok_or(Malformed("a status that is none"))?,
            ),
        };
        let mut headers = HeaderMap::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or(Malformed("a header without a value"))?;
            let name: HeaderName = name.parse().map_err(|_| Malformed("a header without a name"))?;
            let value: HeaderValue = value.trim().parse().map_err(|_| Malformed("a header's value that is none"))?;
            headers.append(name, value);
        }
        Ok(Self {
            headers: (!headers.is_empty()).then_some(headers),
            status,
            description: (!description.is_empty()).then(|| description.to_owned()),
        })
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All frames of `bytes`, taken in `step` bytes at a time.
    fn read(bytes: &[u8], step: usize) -> (Vec<String>, Option<Malformed>) {
        let mut frames = Frames::default();
        let mut told = Vec::new();
        for part in bytes.chunks(step.max(1)) {
            frames.room().extend_from_slice(part);
            loop {
                match frames.next() {
                    Ok(Some(frame)) => told.push(tell(&frame)),
                    Ok(None) => break,
                    Err(malformed) => return (told, Some(malformed)),
                }
            }
        }
        (told, None)
    }

    fn tell(frame: &Frame) -> String {
        match frame {
            Frame::Message(number, message) => {
                let Message { subject, reply, payload, headers, status, description, .. } = &**message;
                let mut names: Vec<_> = headers
                    .iter()
                    .flat_map(|headers| headers.iter())
                    .map(|(name, values)| {
                        format!("{name}={}", values.iter().map(|value| value.as_str()).collect::<String>())
                    })
                    .collect();
                names.sort();
                let (reply, status) = (reply.as_deref(), status.map(|status| status.as_u16()));
                format!("{number} {subject} {reply:?} {status:?} {description:?} {names:?} {payload:?}")
            }
            frame => format!("{frame:?}"),
        }
    }

    const SAID: &[u8] = b"INFO {\"a\":1}\r\nPING\r\n+OK\r\nMSG a.b 7 4\r\n\r\nPI\r\nmsg  a.b 7 _INBOX.x 0\r\n\r\n\
        HMSG a 12 18 21\r\nNATS/1.0\r\nA: 1\r\n\r\nxyz\r\nHMSG a 12 r 31 31\r\nNATS/1.0 100 Idle Heartbeat\r\n\r\n\r\n\
        PONG\r\n-ERR 'Stale Connection'\r\n";

    #[test]
    fn what_a_server_says_is_read_however_it_is_cut() {
        let (told, malformed) = read(SAID, SAID.len());
        assert_eq!(malformed, None);
        let expected = [
            r#"Info(b"{\"a\":1}")"#,
            "Ping",
            "Ok",
            r#"7 a.b None None None [] b"\r\nPI""#,
            r#"7 a.b Some("_INBOX.x") None None [] b"""#,
            r#"12 a None None None ["A=1"] b"xyz""#,
            r#"12 a Some("r") Some(100) Some("Idle Heartbeat") [] b"""#,
            "Pong",
            r#"Refusal("Stale Connection")"#,
        ];
        assert_eq!(told, expected);
        for step in 1..40 {
            assert_eq!(read(SAID, step).0, expected, "in steps of {step}");
        }
    }

    #[test]
    fn what_is_no_frame_is_refused_and_bounded() {
        for bad in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"MSG a 1\r\n",
            b"MSG a 1 b c 3\r\n",
            b"MSG a b c d e f 3\r\n",
            b"MSG a x 3\r\n",
            b"MSG a 1 -3\r\n",
            b"MSG a 1 99999999999999999999999\r\n",
            b"MSG a 1 99999999999\r\n",
            b"HMSG a 1 5 3\r\n",
            b"MSG a 1 1\r\nabc",
            b"MSG \xff 1 0\r\n\r\n",
            b"HMSG a 1 4 4\r\nabcd\r\n",
            b"HMSG a 1 16 16\r\nNATS/1.0 x y\r\n\r\n\r\n",
        ] {
            let (told, malformed) = read(bad, bad.len());
            assert!(told.is_empty() && malformed.is_some(), "{}: {told:?}", String::from_utf8_lossy(bad));
        }
        assert!(read(&[b'x'; LINE_MAX + 2], LINE_MAX + 2).1.is_some());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), step in 1..50_usize) {
            read(&bytes, step);
        }

        #[test]
        fn no_change_of_what_a_server_says_makes_it_panic(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), step in 1..200_usize,
        ) {
            let mut bytes = SAID.to_vec();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            read(&bytes, step);
        }

        #[test]
        fn a_message_comes_as_it_was_sent(
            payload in prop::collection::vec(any::<u8>(), 0..300), number: u64, with_reply: bool, step in 1..200_usize,
        ) {
            let reply = if with_reply { " r" } else { "" };
            let mut bytes = format!("MSG s {number}{reply} {}\r\n", payload.len()).into_bytes();
            bytes.extend_from_slice(&payload);
            bytes.extend_from_slice(b"\r\n");
            let (told, malformed) = read(&bytes, step);
            prop_assert_eq!(malformed, None);
            let expected = Frame::Message(number, Box::new(Message {
                subject: "s".into(),
                reply: with_reply.then(|| "r".into()),
                payload: payload.into(),
                headers: None,
                status: None,
                description: None,
                length: 0,
            }));
            prop_assert_eq!(told, [tell(&expected)]);
        }
    }
}
