//! How long a byte takes over TCP on 127.0.0.1 and back: what no latency between processes of this machine is below.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use crate::clock;
use crate::model::time::SpanNs;

/// The first ones find nothing in any cache.
const WARM_UP: usize = 50;
/// A byte that has not come back by then does not.
const WITHIN: Duration = Duration::from_secs(5);

/// Sends `times` bytes, one after the other, to a thread that sends each back.
///
/// # Errors
/// When there is no port, or a byte does not come back.
pub fn round_trips(times: usize) -> io::Result<Vec<SpanNs>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut near = TcpStream::connect(listener.local_addr()?)?;
    let (mut far, _) = listener.accept()?;
    for end in [&near, &far] {
        end.set_nodelay(true)?;
        end.set_read_timeout(Some(WITHIN))?;
    }
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut byte = [0];
            // The near end is closed when enough have come back.
            while far.read_exact(&mut byte).is_ok() && far.write_all(&byte).is_ok() {}
        });
        let mut trips = Vec::with_capacity(times);
        for number in 0..WARM_UP + times {
            let before = clock::now();
            near.write_all(&[0])?;
            near.read_exact(&mut [0])?;
            if number >= WARM_UP {
                trips.push(clock::now().since(before));
            }
        }
        drop(near);
        Ok(trips)
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_byte_comes_back() {
        let trips = super::round_trips(10).expect("there is a loopback");
        assert!(trips.len() == 10 && trips.iter().all(|trip| trip.0 > 0), "{trips:?}");
    }
}
