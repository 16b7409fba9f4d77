//! The SQL. Every time is the database's.
//!
//! A statement first reads the row without a lock, and touches it only if the row is free for it. An advisory lock of the
//! transaction on the key says that no other transaction has an uncommitted row: waiting for a row is thereby avoided.

/// The end of what begins now.
macro_rules! until {
    ($seconds:literal) => {
        concat!("coalesce(clock_timestamp() + ", $seconds, "::float8 * interval '1 second', 'infinity')")
    };
}

/// The advisory lock of a key.
macro_rules! lock_id {
    () => {
        "hashtextextended('piaxis ' || $1::text || encode($2::bytea, 'hex'), 0)"
    };
}

/// Takes a key if it is free: `taken`, `done`, or `in_progress`.
macro_rules! take {
    (owner: $owner:literal, seconds: $seconds:literal, lock: $lock:literal, rejected: $rejected:literal, replaces: $replaces:literal $(,)?) => {
        concat!(
            "\
WITH present AS MATERIALIZED (
    SELECT owner FROM piaxis_deliveries WHERE namespace = $1::text AND key = $2::bytea AND expires_at > clock_timestamp()
), locked AS MATERIALIZED (
    SELECT CASE WHEN EXISTS (SELECT FROM present WHERE ",
            $rejected,
            ") THEN false ELSE ",
            $lock,
            "(",
            lock_id!(),
            ") END AS locked
), taken AS (
    INSERT INTO piaxis_deliveries AS d (namespace, key, owner, expires_at)
    SELECT $1::text, $2::bytea, ",
            $owner,
            ", ",
            until!($seconds),
            " FROM locked WHERE locked
    ON CONFLICT (namespace, key) DO UPDATE SET owner = excluded.owner, expires_at =
        CASE WHEN d.owner IS NULL AND d.expires_at > clock_timestamp() THEN d.expires_at ELSE excluded.expires_at END
    WHERE d.expires_at <= clock_timestamp() OR ",
            $replaces,
            "
    RETURNING 1
)
SELECT CASE WHEN EXISTS (SELECT FROM taken) THEN 'taken'
    WHEN EXISTS (SELECT FROM present WHERE owner IS NULL) THEN 'done'
    ELSE 'in_progress' END"
        )
    };
}

/// The deliveries, and the index that [`PURGE`] needs.
pub(super) const MIGRATION: &str = "\
CREATE TABLE IF NOT EXISTS piaxis_deliveries (
    namespace text NOT NULL,
    key bytea NOT NULL,
    owner bytea,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (namespace, key)
);
CREATE INDEX IF NOT EXISTS piaxis_deliveries_expires_at ON piaxis_deliveries (expires_at);
";

/// Serializes migrations: `IF NOT EXISTS` alone fails when two run at the same time.
pub(super) const LOCK_MIGRATION: &str = "SELECT pg_advisory_xact_lock(hashtextextended('piaxis_deliveries', 0));\n";

/// Marks a free key as done. Parameters: namespace, key, seconds or null for ever.
pub(super) const CLAIM: &str = take!(
    owner: "NULL::bytea",
    seconds: "$3",
    lock: "pg_try_advisory_xact_lock",
    rejected: "true",
    replaces: "false",
);

/// Leases the key for the owner. Parameters: namespace, key, owner, seconds or null for ever.
pub(super) const BEGIN: &str = take!(
    owner: "$3::bytea",
    seconds: "$4",
    lock: "pg_try_advisory_xact_lock_shared",
    rejected: "owner IS DISTINCT FROM $3::bytea",
    replaces: "d.owner = $3::bytea",
);

/// Marks the key as done, unless another owner holds its lease. Parameters as in [`BEGIN`].
pub(super) const FINISH: &str = take!(
    owner: "NULL::bytea",
    seconds: "$4",
    lock: "pg_try_advisory_xact_lock_shared",
    rejected: "owner <> $3::bytea",
    replaces: "d.owner = $3::bytea OR d.owner IS NULL",
);

/// Marks the key as done, unless another owner holds its lease or finished. Parameters as in [`BEGIN`].
pub(super) const FINISH_IN: &str = take!(
    owner: "NULL::bytea",
    seconds: "$4",
    lock: "pg_try_advisory_xact_lock",
    rejected: "owner IS DISTINCT FROM $3::bytea",
    replaces: "d.owner = $3::bytea",
);

/// Extends a lease. Parameters as in [`BEGIN`].
pub(super) const RENEW: &str = concat!(
    "UPDATE piaxis_deliveries SET expires_at = ",
    until!("$4"),
    " WHERE namespace = $1 AND key = $2 AND owner = $3::bytea AND expires_at > clock_timestamp() AND pg_try_advisory_xact_lock_shared(",
    lock_id!(),
    ") RETURNING 'taken'"
);

/// Frees a lease. Parameters: namespace, key, owner.
pub(super) const ABORT: &str = concat!(
    "DELETE FROM piaxis_deliveries WHERE namespace = $1 AND key = $2 AND owner = $3::bytea AND pg_try_advisory_xact_lock_shared(",
    lock_id!(),
    ") RETURNING 'taken'"
);

/// Deletes expired rows. Parameter: how many at most. `now()`, because an index serves a stable time only.
pub(super) const PURGE: &str = "\
DELETE FROM piaxis_deliveries WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM piaxis_deliveries WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
))";
