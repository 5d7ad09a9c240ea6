//! TLS between a transport of the loop and a connection.

use std::io;

use crate::tls::TlsSession;

/// How much plaintext is taken out at once.
const PIECE: usize = 16 << 10;

/// One side of TLS over a transport.
pub(super) struct Secure(TlsSession);

impl Secure {
    pub(super) fn new(session: TlsSession) -> Self {
        Self(session)
    }

    /// Whether the handshake is not over.
    pub(super) fn is_handshaking(&self) -> bool {
        self.0.is_handshaking()
    }

    /// Takes what the transport brought, and hands on the plaintext. Whether the peer said that nothing more comes.
    ///
    /// Send afterwards, after an error too: the peer may be told of it.
    pub(super) fn receive(&mut self, mut data: &[u8], mut take: impl FnMut(&[u8])) -> io::Result<bool> {
        let mut piece = [0; PIECE];
        while !data.is_empty() {
            self.0.read_from(&mut data)?;
            loop {
                match self.0.read(&mut piece) {
                    Ok(0) => return Ok(true),
                    Ok(count) => take(&piece[..count]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(false)
    }

    /// Notes that the transport brings nothing more. An error where the peer did not say so.
    pub(super) fn receive_eof(&mut self) -> io::Result<()> {
        self.0.read_from(&mut io::empty())?;
        match self.0.read(&mut [0; 1]) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// Turns plaintext into what the transport is to send, as far as the handshake allows, and says how much of it was taken.
    pub(super) fn send(&mut self, plain: &[u8], out: &mut Vec<u8>) -> io::Result<usize> {
        self.bring_out(out)?;
        let mut taken = 0;
        // After an error there is only the alert, and no more plaintext is taken.
        while taken < plain.len() {
            let count = self.0.write(&plain[taken..])?;
            taken += count;
            self.bring_out(out)?;
            if count == 0 {
                break;
            }
        }
        Ok(taken)
    }

    /// Gives out what waits to be sent.
    fn bring_out(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        while self.0.wants_write() {
            self.0.write_to(out)?;
        }
        Ok(())
    }

    /// What lets the peer know that nothing more comes.
    pub(super) fn close(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.0.close();
        self.send(&[], out).map(drop)
    }
}
