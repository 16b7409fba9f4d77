//! The file, a redb database of two tables.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{atomic::AtomicU64, mpsc},
    thread,
};

use redb::{Database, DatabaseError, ReadableTable as _, StorageError, TableDefinition, TableError};
use tokio::sync::watch;

use super::{Message, Progress, Writer};
use crate::{
    settings::Settings,
    world::{
        World,
        changes::{Batch, Damaged},
        clock::Clock,
    },
};

/// Version of the rows. A file of another version is rejected.
const FORMAT: u32 = 1;
/// Name of the row that has the version of the format.
const FORMAT_KEY: &str = "piaxis-emulator";
const FORMATS: TableDefinition<'_, &str, u32> = TableDefinition::new("format");
const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
/// Most memory of the database for pages. The state itself is in memory.
const CACHE: usize = 16 * 1024 * 1024;

/// Opens a state file, or creates one with a new state. The thread that writes it ends with the writer.
///
/// Blocks.
pub(crate) fn open(path: &Path, settings: Settings, clock: Clock, seed: u64) -> io::Result<(World, Writer)> {
    let fail = |problem: Problem| io::Error::new(problem.kind(), format!("state file {}: {problem}", path.display()));
    let mut first = None;
    if fs::metadata(path).map_or_else(|error| error.kind() == io::ErrorKind::NotFound, |file| file.len() == 0) {
        let mut world = World::new(settings.clone(), clock, seed);
        world.collect_changes();
        create(path, world.take_changes()).map_err(fail)?;
        first = Some(world);
    }
    let database = existing(path).map_err(fail)?;
    let world = match first {
        Some(world) => world,
        None => load(&database, settings).map_err(fail)?,
    };
    let (messages, received) = mpsc::channel();
    let (reporter, progress) = watch::channel(Progress::default());
    let run = move || write_all(database, &received, &reporter);
    thread::Builder::new().name("piaxis-emulator-state".to_owned()).spawn(run)?;
    Ok((world, Writer { messages, sent: AtomicU64::new(0), progress }))
}

/// Creates a file with these rows. A kill leaves either no file or a whole one.
fn create(path: &Path, rows: Option<Batch>) -> Result<(), Problem> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut builder = Database::builder();
    let database = builder.create_with_file_format_v3(true).create_file(options.open(&new)?)?;
    write(&database, rows.into_iter().collect())?;
    drop(database);
    fs::rename(&new, path)?;
    // The name of the file is on the disk once its directory is.
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn existing(path: &Path) -> Result<Database, Problem> {
    let mut database = Database::builder().set_cache_size(CACHE).open(path)?;
    // A damaged page would be noticed late, or never.
    if !database.check_integrity()? {
        return Err(Problem::Damaged("checksums do not match".to_owned()));
    }
    Ok(database)
}

fn load(database: &Database, settings: Settings) -> Result<World, Problem> {
    let read = database.begin_read()?;
    let formats = read.open_table(FORMATS).map_err(|error| match error {
        TableError::TableDoesNotExist(_) | TableError::TableTypeMismatch { .. } => Problem::Foreign,
        error => error.into(),
    })?;
    match formats.get(FORMAT_KEY)?.map(|format| format.value()) {
        Some(FORMAT) => {}
        Some(other) => return Err(Problem::Format(other)),
        None => return Err(Problem::Foreign),
    }
    let rows = read.open_table(ROWS)?;
    let rows = rows.iter()?.map(|row| {
        let (key, value) = row?;
        Ok((key.value().to_vec(), value.value().to_vec()))
    });
    World::load(settings, rows)
}

/// Writes batches until there are no more. Batches that came while others were written share a transaction.
fn write_all(database: Database, messages: &mpsc::Receiver<Message>, reporter: &watch::Sender<Progress>) {
    let mut is_closed = false;
    while !is_closed {
        // Without senders, the emulator is gone.
        let Ok(first) = messages.recv() else { break };
        let (mut batches, mut last) = (Vec::new(), None);
        for message in [first].into_iter().chain(messages.try_iter()) {
            match message {
                Message::Write(number, batch) => {
                    batches.push(batch);
                    last = Some(number);
                }
                Message::Close => {
                    is_closed = true;
                    break;
                }
            }
        }
        let Some(last) = last else { continue };
        if reporter.borrow().error.is_some() {
            continue;
        }
        let result = write(&database, batches);
        reporter.send_modify(|progress| match result {
            Ok(()) => progress.written = last,
            Err(error) => progress.error = Some(format!("failed to write the state file: {error}").into()),
        });
    }
    // Before the others are reporter, so that they can open the file again.
    drop(database);
}

/// Writes batches in one transaction, and waits for the disk.
fn write(database: &Database, batches: Vec<Batch>) -> Result<(), Problem> {
    let transaction = database.begin_write()?;
    {
        transaction.open_table(FORMATS)?.insert(FORMAT_KEY, FORMAT)?;
        // Of rows that several batches change, only the last value is written.
        let (mut is_whole, mut rows) = (false, HashMap::new());
        for batch in batches {
            if batch.has_failed {
                return Err(Problem::Encode);
            }
            if batch.is_whole {
                rows.clear();
                is_whole = true;
            }
            rows.extend(batch.rows);
        }
        if is_whole {
            transaction.delete_table(ROWS)?;
        }
        let mut table = transaction.open_table(ROWS)?;
        for (key, value) in &rows {
            match value {
                Some(value) => drop(table.insert(key.as_slice(), value.as_slice())?),
                None => drop(table.remove(key.as_slice())?),
            }
        }
    }
    Ok(transaction.commit()?)
}

/// Why a state file cannot be used.
#[derive(Debug)]
enum Problem {
    Io(io::Error),
    /// Another process has the file.
    InUse,
    /// Another program wrote the file.
    Foreign,
    /// The version of the format is unknown.
    Format(u32),
    Damaged(String),
    /// A row could not be encoded.
    Encode,
}

impl Problem {
    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::InUse => io::ErrorKind::WouldBlock,
            Self::Format(_) => io::ErrorKind::Unsupported,
            Self::Foreign | Self::Damaged(_) | Self::Encode => io::ErrorKind::InvalidData,
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::InUse => f.write_str("in use by another emulator: stop that one, or use another file"),
            Self::Foreign => f.write_str("not a state file of piaxis-emulator: use another file"),
            Self::Format(format) => write!(
                f,
                "format version {format} is unsupported, must be {FORMAT}: use the piaxis-emulator that wrote the file, or another file"
            ),
            Self::Damaged(problem) => write!(f, "damaged ({problem}): restore a copy, or use another file"),
            Self::Encode => f.write_str("a row could not be encoded"),
        }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Damaged> for Problem {
    fn from(Damaged(problem): Damaged) -> Self {
        Self::Damaged(problem)
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        match error {
            // The file does not begin as all databases do.
            StorageError::Io(error) if error.kind() == io::ErrorKind::InvalidData => Self::Foreign,
            StorageError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Self::Damaged("truncated".to_owned())
            }
            StorageError::Io(error) => Self::Io(error),
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen => Self::InUse,
            DatabaseError::UpgradeRequired(format) => Self::Damaged(format!("database format {format}")),
            DatabaseError::Storage(error) => error.into(),
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl From<TableError> for Problem {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Storage(error) => error.into(),
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl From<redb::TransactionError> for Problem {
    fn from(error: redb::TransactionError) -> Self {
        match error {
            redb::TransactionError::Storage(error) => error.into(),
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl From<redb::CommitError> for Problem {
    fn from(error: redb::CommitError) -> Self {
        match error {
            redb::CommitError::Storage(error) => error.into(),
            error => Self::Damaged(error.to_string()),
        }
    }
}
