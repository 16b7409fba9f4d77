//! List responses of the generated types.

/// A page of a list as the API returns it.
pub(crate) trait List: Send + 'static {
    type Item: Send + 'static;

    fn total(&self) -> Option<i64>;
    fn items(self) -> Vec<Self::Item>;
    /// The id that identifies an item.
    fn id(item: &Self::Item) -> &str;
}

macro_rules! list {
    ($list:ident of $item:ident by $id:ident) => {
        impl List for crate::types::$list {
            type Item = crate::types::$item;

            fn total(&self) -> Option<i64> {
                self.total
            }

            fn items(self) -> Vec<Self::Item> {
                self.results
            }

            fn id(item: &Self::Item) -> &str {
                &item.$id
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/lists.rs"));
