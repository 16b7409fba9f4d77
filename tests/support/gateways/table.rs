//! The table of what every gateway made of every fault.

use std::{collections::BTreeSet, env, fmt::Write as _, fs};

use piaxis::{Error, Outcome};

use super::{
    backend::Arrival,
    fault::{Connection, Fault},
};

/// One payment made with the default client.
pub(crate) struct Row {
    pub(crate) gateway: &'static str,
    pub(crate) fault: Fault,
    pub(crate) result: Result<u16, Error>,
    /// As many as the client counts, including those that did not arrive at the backend.
    pub(crate) attempts: u32,
    pub(crate) arrivals: Vec<Arrival>,
}

impl Row {
    fn executions(&self) -> usize {
        self.arrivals.iter().filter(|arrival| arrival.executed).count()
    }

    /// The attempts of the client that were executed, each of them once or more.
    fn executed_attempts(&self) -> usize {
        let executed = self.arrivals.iter().filter(|arrival| arrival.executed);
        executed.map(|arrival| &arrival.request_id).collect::<BTreeSet<_>>().len()
    }

    fn resent_by_gateway(&self) -> usize {
        let attempts: BTreeSet<_> = self.arrivals.iter().map(|arrival| &arrival.request_id).collect();
        self.arrivals.len() - attempts.len()
    }

    fn status(&self) -> String {
        match &self.result {
            Ok(status) => status.to_string(),
            Err(error) => {
                error.status().map_or_else(|| format!("{:?}", error.kind()), |status| status.as_u16().to_string())
            }
        }
    }

    fn outcome(&self) -> String {
        self.result.as_ref().map_or_else(|error| error.outcome().to_string(), |_| "ok".to_owned())
    }

    /// What must never be: a payment executed in two attempts of the client, or an outcome that contradicts the ledger.
    pub(crate) fn violations(&self) -> Vec<&'static str> {
        let mut violations = Vec::new();
        if self.executed_attempts() > 1 {
            violations.push("paid more than once by the client");
        }
        let was_executed = self.executions() > 0;
        match self.result.as_ref().map_err(Error::outcome) {
            Ok(_) if !was_executed => violations.push("ok, but was not executed"),
            Err(Outcome::NotSent) if was_executed => violations.push("not sent, but was executed"),
            Err(Outcome::Rejected) if was_executed => violations.push("rejected, but was executed"),
            _ => {}
        }
        violations
    }

    /// A condition without which the row tests nothing.
    pub(crate) fn flaws(&self) -> Vec<&'static str> {
        let mut flaws = Vec::new();
        let is_early = self.fault.client_gives_up;
        if self.fault.executes && self.executions() == 0 && !is_early {
            flaws.push("the request did not arrive");
        }
        if !self.fault.executes && self.executions() > 0 {
            flaws.push("a request was executed");
        }
        if self.arrivals.iter().any(|arrival| arrival.request_id.is_empty()) {
            flaws.push("a request without a request id arrived");
        }
        let is_new = self.fault.connection == Connection::New;
        if self.arrivals.first().is_some_and(|first| first.over_kept_alive == is_new) {
            flaws.push("the request arrived over another connection");
        }
        if self.fault.name.ends_with("ok") && self.result.is_err() {
            flaws.push("the request failed");
        }
        if is_early && !self.result.as_ref().is_err_and(Error::is_timeout) {
            flaws.push("the client did not time out");
        }
        flaws
    }

    pub(crate) fn name(&self) -> String {
        format!("{} × {}", self.gateway, self.fault.name)
    }
}

const HEAD: [&str; 8] =
    ["gateway", "fault", "status", "outcome", "executions", "attempts by us", "resent by gateway", "violation"];

/// Prints the table, and writes it to the file that `PIAXIS_GATEWAYS_TABLE` names.
pub(crate) fn show(rows: &[Row]) {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(|row| {
        [
            row.gateway.to_owned(),
            row.fault.name.to_owned(),
            row.status(),
            row.outcome(),
            row.executions().to_string(),
            row.attempts.to_string(),
            row.resent_by_gateway().to_string(),
            row.violations().join(", "),
        ]
    }));
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut markdown = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            write!(markdown, "| {cell:width$} ").unwrap();
        }
        markdown += "|\n";
        if number == 0 {
            for width in &widths {
                write!(markdown, "|{}", "-".repeat(width + 2)).unwrap();
            }
            markdown += "|\n";
        }
    }
    println!("{markdown}");
    if let Some(file) = env::var_os("PIAXIS_GATEWAYS_TABLE") {
        fs::write(file, markdown).unwrap();
    }
}
