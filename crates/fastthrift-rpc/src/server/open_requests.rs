use fastthrift_protocol::Protocol;

use super::RequestId;
use crate::CallKind;
use crate::codec::HeaderForm;
use crate::header::Envelope;

/// How many buffers for names are kept for later requests, and how large each may be.
const SPARE_NAMES: usize = 16;
const SPARE_NAME: usize = 256;

/// What a reply has to repeat of its request, the name aside.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) kind: CallKind,
    pub(super) protocol: Protocol,
    pub(super) form: HeaderForm,
    pub(super) sequence_id: i32,
    pub(super) envelope: Envelope,
}

/// A request that was handed out.
#[derive(Debug)]
pub(super) struct OpenRequest {
    pub(super) id: RequestId,
    pub(super) asked: Asked,
    /// The function's own name.
    pub(super) function: Vec<u8>,
}

/// The requests that were handed out and not answered, the oldest first.
#[derive(Debug, Default)]
pub(super) struct OpenRequests {
    requests: Vec<OpenRequest>,
    spare_names: Vec<Vec<u8>>,
    next: u64,
}

impl OpenRequests {
    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }

    /// Opens a request.
    pub(super) fn open(&mut self, asked: Asked, name: &[u8]) -> RequestId {
        let id = RequestId::new(self.next);
        self.next += 1;
        let mut function = self.spare_names.pop().unwrap_or_default();
        function.extend_from_slice(name);
        self.requests.push(OpenRequest { id, asked, function });
        id
    }

    /// The request with this id, if it is open.
    pub(super) fn find(&self, id: RequestId) -> Option<&OpenRequest> {
        // Ids only grow, so the requests are sorted by them.
        let index = self.requests.binary_search_by_key(&id, |request| request.id).ok()?;
        self.requests.get(index)
    }

    /// Closes a request; false if it is not open.
    pub(super) fn close(&mut self, id: RequestId) -> bool {
        let Ok(index) = self.requests.binary_search_by_key(&id, |request| request.id) else { return false };
        let mut name = self.requests.remove(index).function;
        if self.spare_names.len() < SPARE_NAMES && name.capacity() <= SPARE_NAME {
            name.clear();
            self.spare_names.push(name);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(sequence_id: i32) -> Asked {
        let (kind, form) = (CallKind::Call, HeaderForm::Strict);
        Asked { kind, protocol: Protocol::Binary, form, sequence_id, envelope: Envelope::default() }
    }

    #[test]
    fn requests_close_in_any_order_and_once() {
        let mut open = OpenRequests::default();
        let ids: Vec<_> = (0..3).map(|number| open.open(asked(number), b"ping")).collect();
        assert!(open.close(ids[1]));
        assert!(!open.close(ids[1]));
        assert_eq!(open.find(ids[2]).map(|request| request.asked.sequence_id), Some(2));
        assert!(open.close(ids[0]) && open.close(ids[2]));
        assert_eq!(open.len(), 0);
        let next = open.open(asked(9), b"pong");
        assert!(!ids.contains(&next));
        assert_eq!(open.find(next).map(|request| &request.function[..]), Some(&b"pong"[..]));
    }
}
