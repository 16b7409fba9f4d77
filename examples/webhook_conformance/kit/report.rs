//! The report: a row for each check.

use std::fmt;

use serde_json::{Value, json};

/// Verdict of a check, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Ok,
    NotChecked,
    Warning,
    Fault,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::NotChecked => "not checked",
            Self::Warning => "warning",
            Self::Fault => "FAULT",
        })
    }
}

/// Result of a check.
#[derive(Debug, Clone)]
pub struct Row {
    pub check: &'static str,
    /// Requests that were sent.
    pub sent: u32,
    /// Requests with a 2xx response.
    pub accepted: u32,
    /// Effects that happened and that were expected, where both are known.
    pub effects: Option<(u64, u64)>,
    pub verdict: Verdict,
    /// What is wrong and what to do.
    pub note: String,
    /// Objects of the check, and how often the effect of each happened.
    pub(super) counts: Vec<(String, u64)>,
}

/// Results of all checks. `Display` is a table.
#[derive(Debug, Clone)]
pub struct Report {
    pub rows: Vec<Row>,
}

impl Report {
    /// Names of the checks with a fault.
    pub fn faults(&self) -> Vec<&'static str> {
        self.rows.iter().filter(|row| row.verdict == Verdict::Fault).map(|row| row.check).collect()
    }

    pub fn to_json(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "check": row.check,
                "sent": row.sent,
                "accepted": row.accepted,
                "effects": row.effects.map(|(seen, _)| seen),
                "expected_effects": row.effects.map(|(_, expected)| expected),
                "verdict": row.verdict.to_string().to_lowercase().replace(' ', "_"),
                "note": row.note,
            })
        };
        json!({ "faults": self.faults().len(), "checks": self.rows.iter().map(row).collect::<Vec<_>>() })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.check.len()).max().unwrap_or_default();
        writeln!(f, "{:width$}  sent  accepted  effects  verdict", "check")?;
        for row in &self.rows {
            let effects =
                row.effects.map_or_else(|| "-".to_owned(), |(seen, expected)| format!("{seen} of {expected}"));
            let Row { check, sent, accepted, verdict, note, .. } = row;
            let line = format!("{check:width$}  {sent:>4}  {accepted:>8}  {effects:>7}  {verdict:11}  {note}");
            writeln!(f, "{}", line.trim_end())?;
        }
        let faults = self.faults().len();
        write!(f, "{} checks, ", self.rows.len())?;
        let not_checked = self.rows.iter().filter(|row| row.verdict == Verdict::NotChecked).count();
        if not_checked > 0 {
            write!(f, "{not_checked} of them not checked, ")?;
        }
        write!(f, "{faults} {}", if faults == 1 { "fault" } else { "faults" })
    }
}
