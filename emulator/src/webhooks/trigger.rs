//! Events that a test asks for.

use http::HeaderMap;
use piaxis::{Amount, OPERATIONS, Operation};
use serde_json::{Map, Value};

use super::{family, number};
use crate::{
    contract::CONTRACT,
    operations::{self, Context},
    server::{access::Actor, routes::Route},
    world::{World, table::Row},
};

impl World {
    /// Records an event about an object of a merchant, whatever the state of the object. Returns whether the merchant has it.
    ///
    /// The data is that of the last event of this family about the object. Its status, and fields that it lacks and the contract
    /// names for such events, are those of the object. The object itself does not change.
    pub(crate) fn trigger(&mut self, merchant: Row, name: &str, object_id: &str) -> bool {
        let family = family(name);
        let known = self.last_data(merchant, family, object_id);
        let object = self.object(merchant, object_id);
        if known.is_none() && object.is_none() {
            return false;
        }
        let mut data = known.unwrap_or_default();
        let payload = &CONTRACT.document["x-piaxis-webhooks"]["payloads"][family]["properties"];
        for (field, schema) in payload.as_object().into_iter().flatten() {
            let found = object.as_ref().and_then(|(id_name, object)| value(field, schema, id_name, object_id, object));
            if field == "status" || !data.contains_key(field) {
                data.extend(found.map(|value| (field.clone(), value)));
            }
        }
        if let Some(status) = status_of(name).filter(|_| payload.get("status").is_some()) {
            data.insert("status".into(), status.into());
        }
        let recorded = self.transaction(|world| {
            world.event(merchant, name, data);
            Ok(())
        });
        recorded.is_ok()
    }

    /// Data of the last event of a family that names an object.
    fn last_data(&self, merchant: Row, family: &str, object_id: &str) -> Option<Map<String, Value>> {
        let mut events = self.events.iter().rev().map(|(_, event)| event);
        let last = events.find(|event| {
            let is_named = || event.data.read().values().any(|value| value.as_str() == Some(object_id));
            event.merchant == merchant && event.family() == family && is_named()
        });
        last.map(|event| event.data.read())
    }

    /// An object as the API shows it to a merchant, and the name of the path parameter that takes its id.
    fn object(&mut self, merchant: Row, object_id: &str) -> Option<(&'static str, Value)> {
        let reads = OPERATIONS.iter().filter(|operation| operation.method == "GET");
        reads.filter_map(|operation| Some((operation, last_parameter(operation)?))).find_map(|(operation, name)| {
            let route = Route { operation, parameters: vec![(name.to_owned(), object_id.to_owned())] };
            let actor = Actor { merchant: Some(merchant), payer: None };
            let response = self.transaction(|world| {
                let headers = &HeaderMap::new();
                let (query, body) = (Value::Null, Value::Null);
                operations::execute(&mut Context { world, operation, actor, route: &route, headers, query, body })
            });
            let response = response.ok()?;
            Some((name, serde_json::from_slice(&response.body).ok()?))
        })
    }
}

/// The path parameter that a path ends with.
fn last_parameter(operation: &Operation) -> Option<&'static str> {
    let last = operation.path.rsplit('/').next()?;
    last.strip_prefix('{')?.strip_suffix('}')
}

/// A field of the event's data, from an object of the API.
fn value(field: &str, schema: &Value, id_name: &str, object_id: &str, object: &Value) -> Option<Value> {
    if field == id_name {
        return Some(object_id.into());
    }
    // Escrows call the currency otherwise than all others.
    let names = match field {
        "currency" | "currency_code" => ["currency", "currency_code"],
        other => [other, other],
    };
    let value = names.into_iter().find_map(|name| object.get(name)).filter(|value| !value.is_null())?;
    let is_amount =
        schema.pointer("/allOf/0/$ref").and_then(Value::as_str).is_some_and(|name| name.ends_with("/Amount"));
    if !is_amount {
        return Some(value.clone());
    }
    value.as_str()?.parse::<Amount>().ok().map(number)
}

/// The status that the name of an event says; `None` where the name leaves it open.
fn status_of(name: &str) -> Option<&str> {
    name.split_once('.').map(|(_, status)| status).filter(|status| !status.contains("updated"))
}
