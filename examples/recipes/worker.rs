//! A worker that pays from a queue, and pays nobody twice, wherever it is killed.
//!
//! A job is a file of a folder. Before its payout is sent, the file has the idempotency key and the time. A job with both and
//! without a result was under way when the worker was killed. It is looked up by its reference, and never retried: the
//! request may still be in progress, and no document promises that the API recognises a key.
//!
//! `cargo run -p piaxis-recipes --bin worker -- jobs` works on the folder `jobs`, which it locks, until SIGTERM or Ctrl-C, with
//! the API that the environment configures. Without an argument, the emulator pays one job.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{collections::HashMap, error::Error, fs, fs::File, io, io::Write as _};

use piaxis::{Amount, Client, Lookup, Outcome, PaymentMethod, Timestamp, types::DisbursementCreate, types::Recipient};
use piaxis_emulator::Emulator;
use serde::{Deserialize, Serialize};
use tokio::sync::watch::{self, Receiver};

/// The name of the file is the reference, such as `wage-47.json`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) phone_number: String,
    pub(crate) amount: Amount,
    pub(crate) state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum State {
    New,
    /// May have been paid: the time and the idempotency key.
    Sent(Timestamp, String),
    /// Accepted by Piaxis. `wait_until_settled` tells whether the disbursement of this id was paid.
    Done(String),
    /// Not paid. A person corrects the job, and makes it `New`.
    Rejected(String),
}

impl Job {
    /// Replaces the file in one step, and returns when it is on the disk.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        let draft = path.with_extension("draft");
        let mut file = File::create(&draft)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        #[cfg(unix)] // elsewhere, a folder cannot be opened
        File::open(path.parent().unwrap_or(path))?.sync_all()?;
        Ok(())
    }
}

/// The time at which the worker returns to each job with a problem, and the interval after that.
pub(crate) type Postponed = HashMap<PathBuf, (Instant, Duration)>;

/// Works on each job once, and stops between two jobs: no request is dropped while it is under way.
pub(crate) async fn pass(client: &Client, jobs: &Path, stop: &Receiver<bool>, later: &mut Postponed) -> io::Result<()> {
    let files: Result<Vec<PathBuf>, _> = fs::read_dir(jobs)?.map(|file| file.map(|file| file.path())).collect();
    let is_next = |path: &PathBuf| !*stop.borrow() && path.extension().is_some_and(|end| end == "json");
    for path in files?.into_iter().filter(is_next) {
        let (next, interval) = later.get(&path).copied().unwrap_or((Instant::now(), Duration::from_secs(2)));
        let problem = if next <= Instant::now() { work(client, &path).await.err() } else { None };
        if let Some(problem) = problem {
            eprintln!("{}: {problem}", path.display());
            later.insert(path, (Instant::now() + interval, (interval * 2).min(Duration::from_secs(600))));
        }
    }
    Ok(())
}

async fn work(client: &Client, path: &Path) -> Result<(), Box<dyn Error>> {
    let reference = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut job: Job = serde_json::from_slice(&fs::read(path)?)?;
    let recipient = Recipient::builder().phone_number(&job.phone_number).amount(job.amount).reference(&*reference);
    let payout = DisbursementCreate::builder().currency("UGX").payment_method(PaymentMethod::Mtn);
    let payout = payout.recipients(vec![recipient.build()]).build();
    job.state = match &job.state {
        State::New => {
            let now = SystemTime::now();
            let key = format!("{reference}-{}", now.duration_since(UNIX_EPOCH)?.as_nanos());
            let sent = State::Sent(now.into(), key.clone());
            // On the disk before the request is sent.
            Job { state: sent.clone(), ..job.clone() }.write(path)?;
            match client.disbursements().create(payout).idempotency_key(key).await {
                Ok(paid) => State::Done(paid.disbursement_id),
                Err(error) if error.outcome() == Outcome::Rejected => State::Rejected(error.to_string()),
                Err(error) => {
                    if error.outcome() == Outcome::NotSent {
                        job.write(path)?;
                    }
                    return Err(error.into());
                }
            }
        }
        State::Sent(at, _) => match client.disbursements().find_like(&payout, *at).await {
            Ok(Lookup::One(paid)) => State::Done(paid.disbursement_id),
            unclear => return Err(format!("{unclear:?}").into()),
        },
        State::Done(_) | State::Rejected(_) => return Ok(()),
    };
    println!("{reference}: {:?}", job.state);
    job.write(path)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (stop, mut stopped) = watch::channel(false);
    let Some(jobs) = std::env::args_os().nth(1).map(PathBuf::from) else { return on_the_emulator(&stopped).await };
    // Locked until the process ends, however it ends. The folder is on a disk of this machine.
    let (client, lock, mut later) = (Client::from_env()?, File::create(jobs.join("lock"))?, HashMap::new());
    fs4::FileExt::try_lock(&lock).map_err(|error| format!("failed to lock {}: {error}", jobs.display()))?;
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        #[cfg(unix)]
        tokio::select! { _ = terminate.recv() => {}, _ = tokio::signal::ctrl_c() => {} }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
        stop.send_replace(true);
    });
    while !*stopped.borrow() {
        pass(&client, &jobs, &stopped, &mut later).await?;
        let _ = tokio::time::timeout(Duration::from_secs(1), stopped.changed()).await;
    }
    Ok(())
}

async fn on_the_emulator(stopped: &Receiver<bool>) -> Result<(), Box<dyn Error>> {
    let (emulator, id) = (Emulator::start().await?, std::process::id());
    let jobs = std::env::temp_dir().join(format!("jobs-{id}"));
    fs::create_dir(&jobs)?;
    fs::write(jobs.join("wage-1.json"), r#"{ "phone_number": "+256772123456", "amount": 45000, "state": "New" }"#)?;
    pass(&emulator.client(), &jobs, stopped, &mut HashMap::new()).await?;
    Ok(fs::remove_dir_all(&jobs)?)
}
