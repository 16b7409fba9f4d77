//! One check: sends requests, collects problems, and makes a row of the report.

use tokio::time::{Instant, sleep};

use super::{
    Kit, Row, Verdict,
    endpoint::{Outcome, Request},
};

pub struct Check<'a> {
    pub kit: &'a Kit,
    name: &'static str,
    sent: u32,
    accepted: u32,
    expected: Vec<(String, u64)>,
    needs_effects: bool,
    problems: Vec<(Verdict, String)>,
}

impl<'a> Check<'a> {
    pub fn new(kit: &'a Kit, name: &'static str) -> Self {
        let (expected, problems) = (Vec::new(), Vec::new());
        Self { kit, name, sent: 0, accepted: 0, expected, needs_effects: false, problems }
    }

    /// Sends a request once.
    pub async fn send(&mut self, request: &Request) -> Outcome {
        let outcome = self.kit.endpoint.send(request).await;
        self.tally(outcome);
        outcome
    }

    /// Counts a request that was sent in another way.
    pub fn tally(&mut self, outcome: Outcome) {
        self.sent += 1;
        self.accepted += u32::from(outcome.accepted());
    }

    /// Sends a delivery as a sender would: signed anew each time, until the response is 2xx or the sender gives up. Returns
    /// the last outcome.
    pub async fn deliver(&mut self, body: impl AsRef<[u8]>) -> Outcome {
        self.retry(|kit| kit.sign(&body)).await
    }

    pub async fn retry(&mut self, request: impl Fn(&Kit) -> Request) -> Outcome {
        let end = Instant::now() + self.kit.settings.retry_for;
        loop {
            let outcome = self.send(&request(self.kit)).await;
            // Another 4xx will not change.
            if outcome.accepted() || (outcome.rejected() && !outcome.is_temporary()) || Instant::now() >= end {
                return outcome;
            }
            sleep(self.kit.settings.retry_pause).await;
        }
    }

    /// The object's effect must have happened so many times.
    pub fn expect(&mut self, id: &str, times: u64) {
        self.expected.push((id.to_owned(), times));
    }

    /// Without the effects, the check says nothing.
    pub fn needs_effects(&mut self) {
        self.needs_effects = true;
    }

    pub fn fault(&mut self, note: impl Into<String>) {
        self.problems.push((Verdict::Fault, note.into()));
    }

    pub fn warn(&mut self, note: impl Into<String>) {
        self.problems.push((Verdict::Warning, note.into()));
    }

    pub fn skip(&mut self, note: impl Into<String>) {
        self.problems.push((Verdict::NotChecked, note.into()));
    }

    /// Compares the effects. `advice` is for those that happened too often.
    pub async fn finish(mut self, advice: &str) -> Result<Row, String> {
        let mut counts = Vec::new();
        let (mut seen, mut expected) = (0, 0);
        if let Some(effects) = &self.kit.effects {
            for (id, times) in std::mem::take(&mut self.expected) {
                let count = effects.settled(&id, times, self.kit.settings.settle).await?;
                seen += count;
                expected += times;
                if count > times {
                    self.fault(format!("the effect happened {count} times, {times} expected: {advice}"));
                } else if count < times && !self.problems.iter().any(|(verdict, _)| *verdict == Verdict::Fault) {
                    self.fault(
                        "the effect did not happen: respond 2xx once the event is handled or stored, and not before",
                    );
                }
                counts.push((id, count));
            }
        } else if self.needs_effects {
            self.skip("how often the effect happened is unknown: set --effects");
        }
        // The worst first; one sentence is enough.
        let worst = self.problems.iter().map(|(verdict, _)| *verdict).max().unwrap_or(Verdict::Ok);
        let mut notes = self.problems.iter().filter(|(verdict, _)| *verdict == worst).map(|(_, note)| note.as_str());
        let first = notes.next().unwrap_or_default().to_owned();
        let note = match notes.count() {
            0 => first,
            more => format!("{first} (and {more} more)"),
        };
        let effects = (!counts.is_empty()).then_some((seen, expected));
        let Self { name: check, sent, accepted, .. } = self;
        Ok(Row { check, sent, accepted, effects, verdict: worst, note, counts })
    }
}
