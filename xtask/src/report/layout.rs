//! The layout of a report: what every format prints, and in which order.

/// How much something weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Error,
    Warning,
    Good,
    Info,
}

#[derive(Debug)]
pub(crate) struct Layout {
    /// The first words of an issue.
    pub(crate) verdict: String,
    /// Counts of everything.
    pub(crate) summary: String,
    /// Whether nobody has to do anything.
    pub(crate) is_good: bool,
    pub(crate) groups: Vec<Group>,
    /// Headings of the cells of every entry.
    pub(crate) columns: &'static [&'static str],
    /// Shown in full on demand.
    pub(crate) list: Option<List>,
    pub(crate) remarks: Vec<Remark>,
    pub(crate) snippets: Vec<Snippet>,
    /// What was looked at; empty for nothing to say.
    pub(crate) coverage: String,
    /// Prints all of it, where an issue holds only so much.
    pub(crate) command: &'static str,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) title: String,
    /// Tone of the title, when it says how much the entries weigh.
    pub(crate) tone: Option<Tone>,
    pub(crate) entries: Vec<Entry>,
}

/// One finding or change.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) tone: Tone,
    /// Word before the message in a terminal; empty when the group says it.
    pub(crate) label: &'static str,
    pub(crate) message: String,
    pub(crate) id: &'static str,
    /// Lines below the message.
    pub(crate) lines: Vec<String>,
    /// Title of an annotation.
    pub(crate) title: String,
    /// File and line of an annotation.
    pub(crate) place: Option<(String, usize)>,
    /// Lines that an annotation has besides the message.
    pub(crate) notes: Vec<String>,
    /// Cells of a row.
    pub(crate) cells: Vec<String>,
}

/// Entries that need nothing.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) title: String,
    pub(crate) items: Vec<String>,
    /// Whether a terminal shows the items, too.
    pub(crate) is_open: bool,
}

/// A sentence about the whole.
#[derive(Debug)]
pub(crate) struct Remark {
    pub(crate) tone: Tone,
    pub(crate) title: &'static str,
    pub(crate) file: Option<String>,
    pub(crate) text: String,
}

/// Text to copy.
#[derive(Debug)]
pub(crate) struct Snippet {
    pub(crate) title: String,
    pub(crate) language: &'static str,
    pub(crate) text: String,
}

pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
