//! What a page of the docs is made of, whatever it was written in.

/// One page.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Document {
    /// Name of the source in the contract's `x-piaxis-sources`, such as `guide`.
    pub(crate) name: String,
    /// In reading order; the first holds what stands before the first heading.
    pub(crate) sections: Vec<Section>,
}

/// A heading and everything up to the next one, whatever its level.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Section {
    pub(crate) title: Text,
    /// As a link to it would say: GitHub's slug of the heading, or the `id` in the HTML.
    pub(crate) anchor: String,
    /// Line of the heading, counted from 1.
    pub(crate) line: usize,
    pub(crate) blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Block {
    /// Line that it begins on, counted from 1.
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Paragraph(Text),
    List(Vec<Item>),
    /// Rows of cells, the header first.
    Table(Vec<Vec<Text>>),
    /// A block of code, as it stands.
    Code(String),
    /// The signature of a route (Sphinx's `http` domain), such as `POST /api/token`.
    Route {
        signature: String,
        anchor: String,
    },
    /// A list of fields with its name (Sphinx's field lists), such as `Form Parameters`.
    Fields {
        name: String,
        items: Vec<Item>,
    },
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Item {
    pub(crate) line: usize,
    pub(crate) text: Text,
    /// Items of lists inside this one.
    pub(crate) children: Vec<Item>,
}

/// Words with their markup, white space folded.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Text {
    /// All of the words.
    pub(crate) plain: String,
    /// The parts set as code, in order.
    pub(crate) code: Vec<String>,
    /// The parts set in bold, in order.
    pub(crate) strong: Vec<String>,
}
