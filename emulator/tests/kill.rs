//! Kills of the program under load: what was acknowledged is in the state file, once, and nothing is half.
//!
//! A binary of its own, because it needs the feature `program`, and its load makes timeouts of other tests expire.
#![cfg(all(feature = "program", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use piaxis::{
    Amount, Client, Environment, Error, PaymentMethod, RetryPolicy,
    types::{DisbursementCreate, DisbursementFilter, PaymentCreate, PaymentFilter, Recipient, UserInfo},
};
use piaxis_emulator::{Account, Emulator};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    task::JoinSet,
    time::{sleep, timeout},
};

const TASKS: usize = 8;
const START_BALANCE: i64 = 10_000_000;
/// Fee of a small payout.
const FEE: i64 = 500;

/// A write with an idempotency key of its own.
#[derive(Debug, Clone)]
struct Write {
    key: String,
    amount: i64,
    is_payout: bool,
    /// Id of the response; `None` when the process was killed before the response.
    id: Option<String>,
}

impl Write {
    async fn send(&self, client: &Client) -> Result<String, Error> {
        let policy = RetryPolicy::none();
        if self.is_payout {
            let recipient = Recipient::builder().phone_number("+256700123456").amount(self.amount);
            let order = DisbursementCreate::builder().recipients(vec![recipient.build()]).currency("UGX");
            let create = client.disbursements().create(order.payment_method(PaymentMethod::Mtn).build());
            return Ok(create.idempotency_key(&self.key).retry_policy(policy).await?.disbursement_id);
        }
        let payer = UserInfo::builder().phone_number("+256700000000").build();
        let order = PaymentCreate::builder().amount(self.amount).currency("UGX").payment_method(PaymentMethod::Mtn);
        let create = client.payments().create(order.user_info(payer).build());
        Ok(create.idempotency_key(&self.key).retry_policy(policy).await?.payment_id)
    }
}

/// Starts the program, and returns it with a client.
async fn start(path: &Path) -> (Child, Client) {
    started(Command::new(env!("CARGO_BIN_EXE_piaxis-emulator")), path).await
}

async fn started(mut command: Command, path: &Path) -> (Child, Client) {
    command.args(["--port", "0", "--settle-after", "20", "--state"]).arg(path).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut builder = Client::builder();
    loop {
        let line = timeout(Duration::from_secs(20), lines.next_line()).await.unwrap().unwrap();
        let line = line.expect("the program ended");
        let (name, value) = line.split_once('=').unwrap_or((&line, ""));
        builder = match name {
            "export PIAXIS_API_BASE_URL" => builder.environment(Environment::Custom(value.to_owned())),
            "export PIAXIS_API_KEY" => builder.api_key(value),
            "export PIAXIS_CLIENT_ID" => builder.client_id(value),
            _ if line.starts_with("# Webhooks:") => return (child, builder.build().unwrap()),
            _ => builder,
        };
    }
}

/// Sends writes until one fails, which the kill lets it.
async fn load(client: Client, round: usize, task: usize) -> Vec<Write> {
    let mut writes = Vec::new();
    for number in 0i64.. {
        let amount = 1_000 + number % 97;
        let is_payout = number % 3 == 2;
        let mut write = Write { key: format!("{round}-{task}-{number}"), amount, is_payout, id: None };
        match write.send(&client).await {
            Ok(id) => write.id = Some(id),
            Err(error) => {
                assert!(error.status().is_none(), "{error}");
                writes.push(write);
                break;
            }
        }
        writes.push(write);
    }
    writes
}

fn balance(balances: &[(Account, String, Amount)], is_meant: impl Fn(&Account) -> bool) -> Amount {
    Amount::checked_sum(balances.iter().filter(|(account, ..)| is_meant(account)).map(|(.., amount)| *amount)).unwrap()
}

/// Checks the file of a killed program.
async fn check(path: &Path, all: &[Write], unchecked: &mut [Write]) {
    // A damaged or half state is an error here, as is money that is not there.
    let emulator = Emulator::builder().settle_after(Duration::from_millis(20)).state_file(path).start().await.unwrap();
    let client = emulator.client();
    let balances = emulator.balances();
    assert_eq!(balance(&balances, |_| true), Amount::ZERO);
    assert!(balances.iter().all(|(account, _, amount)| *account == Account::Outside || *amount >= 0), "{balances:?}");
    for write in &mut *unchecked {
        if let Some(id) = &write.id {
            let amount = if write.is_payout {
                client.disbursements().get(id).await.unwrap().total_amount
            } else {
                Some(client.payments().get(id).await.unwrap().amount)
            };
            assert_eq!(amount, Some(Amount::from(write.amount)), "{write:?}");
        }
        let id = write.send(&client).await.unwrap();
        assert_eq!(write.id.get_or_insert_with(|| id.clone()), &id, "{}", write.key);
    }
    // Each write once, and no others.
    let writes = || all.iter().chain(&*unchecked);
    let count = |is_payout: bool| i64::try_from(writes().filter(|write| write.is_payout == is_payout).count()).ok();
    assert_eq!(client.payments().list(PaymentFilter::builder().build()).await.unwrap().total, count(false));
    let payouts = client.disbursements().list(DisbursementFilter::builder().build()).await.unwrap();
    assert_eq!(payouts.total, count(true));
    // Timers went on, and each write moved its money once.
    let moved = |write: &Write| if write.is_payout { -write.amount - FEE } else { write.amount };
    let expected = Amount::from(START_BALANCE + writes().map(moved).sum::<i64>());
    let settled = async {
        loop {
            let balances = emulator.balances();
            let under_way = balance(&balances, |account| matches!(account, Account::Disbursement(_)));
            if under_way == Amount::ZERO && emulator.default_merchant().balance("UGX") == expected {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    if timeout(Duration::from_secs(20), settled).await.is_err() {
        panic!("{} is not {expected}", emulator.default_merchant().balance("UGX"));
    }
    emulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_moment_loses_nothing_that_was_acknowledged() {
    let kills = std::env::var("PIAXIS_EMULATOR_KILLS").map_or(10, |kills| kills.parse().unwrap());
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kill.state");
    let _ = std::fs::remove_file(&path);
    let mut all = Vec::new();
    let (mut acknowledged, mut unknown) = (0, 0);
    for round in 0..kills {
        let (mut program, client) = start(&path).await;
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            tasks.spawn(load(client.clone(), round, task));
        }
        sleep(Duration::from_micros(fastrand::u64(1_000..300_000))).await;
        program.kill().await.unwrap();
        let mut writes: Vec<Write> = tasks.join_all().await.into_iter().flatten().collect();
        acknowledged += writes.iter().filter(|write| write.id.is_some()).count();
        unknown += writes.iter().filter(|write| write.id.is_none()).count();
        check(&path, &all, &mut writes).await;
        all.append(&mut writes);
    }
    println!("{kills} kills, {acknowledged} acknowledged writes, {unknown} of unknown outcome");
    // Once more, all of them: by the file, and with their keys.
    check(&path, &[], &mut all).await;
}

#[tokio::test]
async fn once_the_file_cannot_grow_nothing_is_acknowledged() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("full.state");
    let _ = std::fs::remove_file(&path);
    let mut command = Command::new("sh");
    // A limit of the size of files stands for a full disk.
    command.args(["-c", "trap '' XFSZ; ulimit -f 4000; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_piaxis-emulator")]);
    let (mut program, client) = started(command, &path).await;
    let mut writes = Vec::new();
    let error = loop {
        let key = format!("full-{}", writes.len());
        let mut write = Write { key, amount: 1_000, is_payout: false, id: None };
        let sent = write.send(&client).await;
        write.id = sent.as_ref().ok().cloned();
        writes.push(write);
        assert!(writes.len() < 10_000, "no limit");
        if let Err(error) = sent {
            break error;
        }
    };
    assert_eq!(error.status().unwrap(), 500, "{error}");
    assert!(error.to_string().contains("the state file"), "{error}");
    assert_eq!(writes[0].send(&client).await.unwrap_err().status().unwrap(), 500);
    program.kill().await.unwrap();
    check(&path, &[], &mut writes).await;
}
