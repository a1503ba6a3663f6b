//! Bodies of requests, in pieces that requests can share.

use bytes::{Buf, Bytes};
use std::io::IoSlice;

/// An encoded body. Each file in it is a separate piece, so that thousands of requests can share one
/// picture in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    first: Bytes,
    rest: Vec<Bytes>,
}

impl Body {
    /// Joins pieces.
    pub fn of(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        let mut pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
        Body {
            first: pieces.next().unwrap_or_default(),
            rest: pieces.collect(),
        }
    }

    /// Size in bytes.
    pub fn size(&self) -> usize {
        self.first.len() + self.rest.iter().map(Bytes::len).sum::<usize>()
    }

    /// Pieces of the body; if there are several, none is empty.
    pub fn pieces(&self) -> impl Iterator<Item = &Bytes> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

impl From<Bytes> for Body {
    fn from(whole: Bytes) -> Self {
        Body {
            first: whole,
            rest: Vec::new(),
        }
    }
}

/// Rest of a body on its way out.
#[derive(Debug)]
pub(super) struct Rest {
    /// Empty only at the end.
    now: Bytes,
    later: std::vec::IntoIter<Bytes>,
}

impl From<Body> for Rest {
    fn from(body: Body) -> Self {
        Rest {
            now: body.first,
            later: body.rest.into_iter(),
        }
    }
}

impl Buf for Rest {
    fn remaining(&self) -> usize {
        let later = self.later.as_slice().iter().map(Bytes::len);
        self.now.len() + later.sum::<usize>()
    }

    fn chunk(&self) -> &[u8] {
        &self.now
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pieces = std::iter::once(&self.now).chain(self.later.as_slice());
        let mut filled = 0;
        for (slice, piece) in slices
            .iter_mut()
            .zip(pieces.filter(|piece| !piece.is_empty()))
        {
            *slice = IoSlice::new(piece);
            filled += 1;
        }
        filled
    }

    fn advance(&mut self, mut count: usize) {
        while count >= self.now.len() && !self.now.is_empty() {
            count -= self.now.len();
            self.now = self.later.next().unwrap_or_default();
        }
        self.now.advance(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However the body is cut, every byte goes out in its order.
        #[test]
        fn all_of_it_goes_out(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..6),
            steps in prop::collection::vec(1_usize..9, 40),
        ) {
            let body = Body::of(pieces.iter().cloned().map(Bytes::from));
            let whole = pieces.concat();
            prop_assert_eq!(body.size(), whole.len());
            let mut rest = Rest::from(body);
            let mut sent = Vec::new();
            for step in steps {
                let mut slices = [IoSlice::new(&[]); 3];
                let count = rest.chunks_vectored(&mut slices);
                prop_assert_eq!(count == 0, !rest.has_remaining());
                let ahead: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect();
                prop_assert!(ahead.starts_with(rest.chunk()));
                let step = step.min(ahead.len());
                sent.extend_from_slice(&ahead[..step]);
                rest.advance(step);
                prop_assert_eq!(rest.remaining(), whole.len() - sent.len());
            }
            prop_assert_eq!(sent, whole);
        }
    }
}
