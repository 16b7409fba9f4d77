//! Pages of lists: newest first, with the limits of the contract.

use piaxis::Operation;

/// Limit and offset of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageOf {
    pub(crate) limit: u32,
    pub(crate) offset: u32,
}

impl PageOf {
    /// The page that a request asks for; the contract has the default. Beyond the maximum, validation has rejected it.
    pub(crate) fn new(operation: &Operation, limit: Option<u32>, offset: Option<u32>) -> Self {
        let default = operation.page_size.map_or(u32::MAX, |size| size.default);
        Self { limit: limit.unwrap_or(default), offset: offset.unwrap_or(0) }
    }

    /// The items of the page, of all that match.
    pub(crate) fn of<T>(self, all: impl Iterator<Item = T>) -> Vec<T> {
        all.skip(self.offset as usize).take(self.limit as usize).collect()
    }
}
