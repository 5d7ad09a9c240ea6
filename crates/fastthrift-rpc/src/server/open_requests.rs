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
    /// The names of requests that were answered, the last one at the end: buffers for those to come.
    spare_names: Vec<Vec<u8>>,
    next: u64,
}

impl OpenRequests {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }

    /// Opens a request.
    pub(super) fn open(&mut self, asked: Asked, name: &[u8]) -> RequestId {
        let mut function = self.spare_names.pop().unwrap_or_default();
        function.clear();
        function.extend_from_slice(name);
        let id = self.next_id();
        self.requests.push(OpenRequest { id, asked, function });
        id
    }

    /// The name of the request that was answered last, as far as it is known.
    #[inline]
    pub(super) fn last_name(&self) -> Option<&[u8]> {
        self.spare_names.last().map(Vec::as_slice)
    }

    /// The id of a request that is [opened later](Self::open_again), before any other is.
    #[inline]
    pub(super) fn next_id(&mut self) -> RequestId {
        let id = RequestId::new(self.next);
        self.next += 1;
        id
    }

    /// Opens a request of the [last name](Self::last_name).
    pub(super) fn open_again(&mut self, id: RequestId, asked: Asked) {
        let function = self.spare_names.pop().unwrap_or_default();
        self.requests.push(OpenRequest { id, asked, function });
    }

    /// The request with this id, if it is open.
    #[inline]
    pub(super) fn find(&self, id: RequestId) -> Option<&OpenRequest> {
        self.requests.get(self.place(id)?)
    }

    #[inline]
    fn place(&self, id: RequestId) -> Option<usize> {
        match &self.requests[..] {
            [only] if only.id == id => Some(0),
            // Ids only grow, so the requests are sorted by them.
            requests => requests.binary_search_by_key(&id, |request| request.id).ok(),
        }
    }

    /// Closes a request; false if it is not open.
    #[inline]
    pub(super) fn close(&mut self, id: RequestId) -> bool {
        let Some(index) = self.place(id) else { return false };
        // Most often there is no other.
        let closed =
            if index + 1 == self.requests.len() { self.requests.pop() } else { Some(self.requests.remove(index)) };
        let name = closed.map_or_else(Vec::new, |closed| closed.function);
        if self.spare_names.len() < SPARE_NAMES && name.capacity() <= SPARE_NAME {
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
