//! The checks, a module for each concern.

mod duplicates;
mod events;
mod forged;
mod genuine;
mod hang_up;
mod limits;
mod replay;

use super::{Check, Kit, Row, Verdict};

/// Runs all checks. Stops when the endpoint accepts nothing: then its rejections show nothing.
pub async fn run(kit: &Kit, rows: &mut Vec<Row>) -> Result<(), String> {
    genuine::run(kit, rows).await?;
    if rows.iter().all(|row| row.accepted == 0) {
        let mut others = kit.check("all other checks");
        others.skip("the endpoint accepts nothing genuine: until then, its rejections show nothing");
        rows.push(others.finish("").await?);
        return Ok(());
    }
    duplicates::run(kit, rows).await?;
    replay::run(kit, rows).await?;
    forged::run(kit, rows).await?;
    events::run(kit, rows).await?;
    hang_up::run(kit, rows).await?;
    limits::run(kit, rows).await?;
    genuine::still(kit, rows).await
}
