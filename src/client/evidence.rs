//! Typed data of terms, generated from the schemas that carry `x-piaxis-term-type` and `x-piaxis-term-data`.

use crate::{
    error::{Error, ErrorKind},
    types::TermCreate,
};

include!(concat!(env!("OUT_DIR"), "/evidence.rs"));

impl TermCreate {
    /// Makes a term of typed data, without an expiry date.
    ///
    /// For a term type or a key that [`TermData`] does not have, use [`TermData::Other`] or the builder.
    ///
    /// # Errors
    /// [`InvalidRequest`](ErrorKind::InvalidRequest) when the data cannot be serialised, such as a deadline after the year
    /// 9999.
    ///
    /// ```
    /// use piaxis::{TermData, types::{DeliveryConfirmationTermData, TermCreate}};
    ///
    /// let delivery = DeliveryConfirmationTermData::builder().description("Confirm delivery").build();
    /// let terms = vec![TermCreate::new(delivery)?, TermCreate::new(TermData::ManualRelease)?];
    /// assert_eq!(terms[0].data["description"], "Confirm delivery");
    /// # Ok::<(), piaxis::Error>(())
    /// ```
    pub fn new(data: impl Into<TermData>) -> Result<Self, Error> {
        let data = data.into();
        let invalid =
            |error| Error::local(ErrorKind::InvalidRequest, format!("the data of a term is invalid: {error}"));
        Ok(Self::builder().type_(data.term_type()).data(data.to_data().map_err(invalid)?).build())
    }
}
