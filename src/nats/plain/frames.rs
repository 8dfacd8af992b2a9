//! What a server says, frame by frame, out of the bytes that come. Pure; bounded whatever comes.
//!
//! All whole frames that one read brought are handled in one go: their messages share its bytes, and nothing of them is
//! copied. What is left of a frame that has not come whole is copied to the front of the next read.

use std::rc::Rc;

use async_nats::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use bytes::{Bytes, BytesMut};
use memchr::memchr;

use super::message::{Message, Part, Told};

/// Longest line: a server tells of itself and its cluster in one.
const LINE_MAX: usize = 1 << 16;
/// Largest message, headers included: no server can be told to take larger ones.
const MESSAGE_MAX: usize = 64 << 20;
/// Room for what is read at once.
const ROOM: usize = 1 << 16;

/// What a server says.
#[derive(Debug)]
pub enum Frame {
    /// About itself, as JSON.
    Info(Bytes),
    /// A message, and the number of the subscription that it is for.
    Message(u64, Message),
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
pub struct Frames {
    /// What was read since the last frame was given out.
    bytes: BytesMut,
    /// There is no frame in fewer bytes than these.
    needed: usize,
    /// What frames are given out of, and from where on.
    whole: Option<(Rc<Bytes>, usize)>,
}

impl Frames {
    /// Where the next bytes go; there is room for some.
    pub fn room(&mut self) -> &mut BytesMut {
        if let Some((bytes, at)) = self.whole.take() {
            self.bytes.extend_from_slice(&bytes[at..]);
        }
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
    pub fn take(&mut self) -> Result<Option<Frame>, Malformed> {
        if self.whole.is_none() {
            if self.bytes.len() < self.needed.max(1) {
                return Ok(None);
            }
            // One that is large comes in many reads: it is put together where they go, and copied no more.
            if let Found::Part(needed) = Found::first(&self.bytes)? {
                self.needed = needed;
                return Ok(None);
            }
            self.needed = 0;
            self.whole = Some((Rc::new(self.bytes.split().freeze()), 0));
        }
        let Some((bytes, at)) = &mut self.whole else { return Ok(None) };
        match Found::first(&bytes[*at..])? {
            Found::Part(needed) => {
                let left = &bytes[*at..];
                self.bytes.extend_from_slice(left);
                self.needed = needed;
                self.whole = None;
                Ok(None)
            }
            Found::Line { word, rest, next } => {
                let rest = *at + rest.0..*at + rest.1;
                *at += next;
                Ok(Some(match word {
                    Word::Info => Frame::Info(bytes.slice(rest)),
                    Word::Ping => Frame::Ping,
                    Word::Pong => Frame::Pong,
                    Word::Ok => Frame::Ok,
                    Word::Refusal => {
                        let words = String::from_utf8_lossy(&bytes[rest]).into_owned();
                        Frame::Refusal(words.trim_matches(['\'', ' ']).to_owned())
                    }
                }))
            }
            Found::Message { head, body } => {
                let message = head.message(bytes, *at, body)?;
                *at += body + head.total + 2;
                Ok(Some(Frame::Message(head.subscription, message)))
            }
        }
    }
}

/// What bytes begin with.
enum Found {
    /// No whole frame; there is none in fewer bytes than these.
    Part(usize),
    /// A line: where what follows its word begins and ends, and where the next frame begins.
    Line { word: Word, rest: (usize, usize), next: usize },
    /// A message whose line ends before `body`.
    Message { head: Head, body: usize },
}

impl Found {
    fn first(bytes: &[u8]) -> Result<Self, Malformed> {
        let Some(end) = memchr(b'\n', bytes) else {
            return if bytes.len() > LINE_MAX { Err(Malformed("a line without an end")) } else { Ok(Self::Part(1)) };
        };
        let body = end + 1;
        let line = &bytes[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (from, with_headers) = match line {
            [b'M' | b'm', b'S' | b's', b'G' | b'g', b' ', ..] => (4, false),
            [b'H' | b'h', b'M' | b'm', b'S' | b's', b'G' | b'g', b' ', ..] => (5, true),
            _ => {
                let space = memchr(b' ', line);
                let word = Word::of(&line[..space.unwrap_or(line.len())])?;
                let rest = space.map_or(line.len(), |space| space + 1);
                return Ok(Self::Line { word, rest: (rest, line.len()), next: body });
            }
        };
        let head = Head::read(line, from, with_headers)?;
        let whole = body + head.total + 2;
        match bytes.get(whole - 2..whole) {
            None => Ok(Self::Part(whole)),
            Some(b"\r\n") => Ok(Self::Message { head, body }),
            Some(_) => Err(Malformed("a message that is longer than it says")),
        }
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
#[derive(Debug, PartialEq, Eq)]
struct Head {
    subject: (usize, usize),
    subscription: u64,
    /// Empty where there is none.
    reply: (usize, usize),
    headers: usize,
    total: usize,
}

impl Head {
    /// Reads the line from `from` on; numbers of a usual one in one look at each of its bytes.
    fn read(line: &[u8], from: usize, with_headers: bool) -> Result<Self, Malformed> {
        // So subjects are text wherever they are read.
        if !line.is_ascii() {
            std::str::from_utf8(line).map_err(|_| Malformed("a subject that is no text"))?;
        }
        match Self::usual(line, from) {
            Some(head) if !with_headers => Ok(head),
            _ => Self::any(line, from, with_headers),
        }
    }

    /// Reads a line without headers whose words stand one space apart, as servers write them; `None` says nothing.
    fn usual(line: &[u8], from: usize) -> Option<Self> {
        // Long enough for any number that fits.
        const DIGITS_MAX: usize = 18;
        let value = |digit: u8| digit.is_ascii_digit().then(|| usize::from(digit - b'0'));
        let subject = (from, from + memchr(b' ', line.get(from..)?).filter(|length| *length > 0)?);
        let (mut subscription, mut at) = (0, subject.1 + 1);
        while *line.get(at)? != b' ' {
            subscription = subscription * 10 + value(line[at])?;
            at += 1;
            if at > subject.1 + DIGITS_MAX {
                return None;
            }
        }
        let (mut total, mut weight, mut last) = (0, 1, line.len());
        while last > at + 1 && line[last - 1] != b' ' {
            total += value(line[last - 1])? * weight;
            weight *= 10;
            last -= 1;
            if line.len() - last > DIGITS_MAX {
                return None;
            }
        }
        // Between the two numbers stands where an answer goes, or nothing.
        let reply = if last == at + 1 { (0, 0) } else { (at + 1, last - 1) };
        let is_usual = at > subject.1 + 1
            && last < line.len()
            && total <= MESSAGE_MAX
            && (last == at + 1 || (reply.0 < reply.1 && memchr(b' ', &line[reply.0..reply.1]).is_none()));
        is_usual.then_some(Self { subject, subscription: subscription as u64, reply, headers: 0, total })
    }

    /// Reads any line.
    fn any(line: &[u8], from: usize, with_headers: bool) -> Result<Self, Malformed> {
        let mut words = [(0, 0); 5];
        let mut count = 0;
        let mut at = from;
        while at < line.len() {
            let end = memchr(b' ', &line[at..]).map_or(line.len(), |space| at + space);
            if end > at {
                *words.get_mut(count).ok_or(Malformed("a message with too many words before it"))? = (at, end);
                count += 1;
            }
            at = end + 1;
        }
        let sizes = if with_headers { 2 } else { 1 };
        let reply = match count.checked_sub(2 + sizes) {
            Some(0) => (0, 0),
            Some(1) => words[2],
            _ => return Err(Malformed("a message with too few words before it, or too many")),
        };
        let number = |(from, to): (usize, usize)| number(&line[from..to]).ok_or(Malformed("a number that is none"));
        let size = |word| {
            let size = usize::try_from(number(word)?).ok().filter(|size| *size <= MESSAGE_MAX);
            size.ok_or(Malformed("a message larger than any can be"))
        };
        let total = size(words[count - 1])?;
        let headers = if with_headers { size(words[count - 2])? } else { 0 };
        if headers > total {
            return Err(Malformed("a message with more headers than bytes"));
        }
        Ok(Self { subject: words[0], subscription: number(words[1])?, reply, headers, total })
    }

    /// The message in `bytes` whose line begins at `at` and ends before `body`, counted from there.
    fn message(&self, bytes: &Rc<Bytes>, at: usize, body: usize) -> Result<Message, Malformed> {
        let part = |(from, to): (usize, usize)| match (u32::try_from(at + from), u32::try_from(at + to)) {
            (Ok(from), Ok(to)) => Ok(Part { from, to }),
            _ => Err(Malformed("more at once than any server sends")),
        };
        let payload = body + self.headers;
        let told = match self.headers {
            0 => None,
            _ => Some(Box::new(Told::read(&bytes[at + body..at + payload])?)),
        };
        Ok(Message {
            bytes: Rc::clone(bytes),
            subject: part(self.subject)?,
            reply: part(self.reply)?,
            payload: part((payload, body + self.total))?,
            told,
        })
    }
}

impl Told {
    fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed("headers that are no text"))?;
        let mut lines = text.split("\r\n");
        let first = lines.next().and_then(|line| line.strip_prefix("NATS/1.0"));
        let first = first.ok_or(Malformed("headers of another version"))?.trim();
        let (code, _description) = first.split_once(' ').unwrap_or((first, ""));
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
        Ok(Self { headers: (!headers.is_empty()).then_some(headers), status })
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
                match frames.take() {
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
                let headers = message.headers();
                let mut names: Vec<_> = headers
                    .iter()
                    .flat_map(|headers| headers.iter())
                    .map(|(name, values)| {
                        format!("{name}={}", values.iter().map(|value| value.as_str()).collect::<String>())
                    })
                    .collect();
                names.sort();
                let status = message.status().map(|status| status.as_u16());
                let payload = String::from_utf8_lossy(message.payload());
                format!("{number} {} {:?} {status:?} {names:?} {payload:?}", message.subject(), message.reply())
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
            r#"7 a.b None None [] "\r\nPI""#,
            r#"7 a.b Some("_INBOX.x") None [] """#,
            r#"12 a None None ["A=1"] "xyz""#,
            r#"12 a Some("r") Some(100) [] """#,
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
        fn a_usual_line_is_read_as_any_line_is(line in "MSG [ab. ]{0,3}[a ]?[ 0-9]{0,2} ?[0-9]{0,20}[ x]?( ?[ab. ]{1,4})? ?[0-9]{0,21}[ x]?") {
            if let Some(head) = Head::usual(line.as_bytes(), 4) {
                prop_assert_eq!(Head::any(line.as_bytes(), 4, false), Ok(head));
            }
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
            let reply = with_reply.then_some("r");
            let expected = format!("{number} s {reply:?} None [] {:?}", String::from_utf8_lossy(&payload));
            prop_assert_eq!(told, [expected]);
        }
    }
}
