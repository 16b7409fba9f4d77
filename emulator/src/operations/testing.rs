//! Operations without a server, for tests of what no response shows.
#![allow(clippy::expect_used)]

use std::time::Duration;

use http::HeaderMap;
use piaxis::OPERATIONS;
use serde_json::Value;

use super::Context;
use crate::{
    server::{access::Actor, routes::Route},
    settings::Settings,
    world::{World, clock::Clock},
};

/// A world whose clock only the test moves.
pub(crate) fn world() -> World {
    let settings = Settings { settle_after: Duration::from_secs(2), ..Settings::default() };
    World::new(settings, Clock::manual(chrono::DateTime::UNIX_EPOCH), 1)
}

/// Executes an operation of the default merchant, and returns the response body.
pub(crate) fn execute(world: &mut World, operation: &str, id: &str, body: &Value) -> Value {
    let operation = OPERATIONS.iter().find(|known| known.id == operation).expect("an operation of the contract");
    let route = Route { operation, parameters: vec![("disbursement_id".to_owned(), id.to_owned())] };
    let response = world.transaction(|world| {
        super::execute(&mut Context {
            world,
            operation,
            actor: Actor { merchant: Some(0), payer: None },
            route: &route,
            headers: &HeaderMap::new(),
            query: Value::Null,
            body: body.clone(),
        })
    });
    serde_json::from_slice(&response.expect("a success").body).expect("a JSON body")
}

/// Names and data of the events so far.
pub(crate) fn events(world: &World) -> Vec<(String, Value)> {
    world.events.iter().map(|(_, event)| (event.name.clone(), event.data.read().into())).collect()
}
