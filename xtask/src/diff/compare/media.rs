//! Bodies by media type, and those of requests.

use super::*;

/// A media type without its parameters.
fn plain(kind: &str) -> &str {
    kind.split(';').next().unwrap_or_default().trim()
}

/// Whether a media type is a special case of another: `application/problem+json` of `application/json`.
fn specialises(close: &str, wide: &str) -> bool {
    let (close, wide) = (plain(close), plain(wide));
    let (Some((family, kind)), Some((of, base))) = (close.split_once('/'), wide.split_once('/')) else { return false };
    wide == "*/*" || family == of && (base == "*" || kind.rsplit_once('+').is_some_and(|(_, suffix)| suffix == base))
}

/// Whether the fields of a body are written as text: a form without objects, because it contains those as JSON.
fn is_text(kind: &str, media: &Node<'_>) -> bool {
    let is_plain = |view: &View<'_>| view.kinds().is_some() && !view.allows("object");
    let is_flat = |schema: View<'_>| {
        let others = schema.facts.get("additionalProperties").filter(|others| others.value.is_object());
        let mut fields = schema.properties.values().chain(others).map(View::behind);
        !CHOICES.iter().any(|key| schema.facts.contains_key(key))
            && fields.all(|field| {
                is_plain(&field) && field.facts.get("items").is_none_or(|items| is_plain(&View::behind(items)))
            })
    };
    matches!(plain(kind), "application/x-www-form-urlencoded" | "multipart/form-data" | "text/plain")
        && media.child("schema").is_none_or(|schema| is_flat(View::behind(&schema)))
}

/// Media types, each with its body.
type Bodies<B> = Vec<(String, B)>;

/// Matches the media types of two bodies with their parameters first, then without: what both have, by the name in the
/// head, and what only the first, and only the second has.
fn contents<'a>(old: &Node<'a>, new: &Node<'a>) -> (Bodies<[Node<'a>; 2]>, [Bodies<Node<'a>>; 2]) {
    let list = |node: &Node<'a>| -> Bodies<Node<'a>> {
        let kinds = node.part("content").entries().into_iter();
        kinds.map(|(kind, media)| (kind.to_lowercase().replace(' ', ""), media)).collect()
    };
    let (mut common, mut gone, mut more) = (Vec::new(), list(old), list(new));
    for name in [(|kind| kind) as fn(&str) -> &str, plain] {
        gone.retain(|(kind, media)| {
            let Some(at) = more.iter().position(|(other, _)| name(kind) == name(other)) else { return true };
            let (kind, new) = more.remove(at);
            common.push((kind, [media.clone(), new]));
            false
        });
    }
    (common, [gone, more])
}

impl<'a> Comparison<'a> {
    pub(super) fn request_body(&mut self, base: &Node<'a>, head: &Node<'a>, name: &str) {
        let (old, new) = match (base.child("requestBody"), head.child("requestBody")) {
            (Some(old), Some(new)) => (old.resolved(), new.resolved()),
            (Some(old), None) => {
                let old = old.resolved();
                return self.note("body-removed", removed(&old, head), format!("body of {name} removed"));
            }
            (None, Some(new)) => {
                let word = if new.resolved().is("required") { "required" } else { "optional" };
                return self.note(&format!("{word}-body-added"), added(&new), format!("{word} body of {name} added"));
            }
            (None, None) => return,
        };
        self.presence(&old, &new, "body", &format!("body of {name}"));
        self.unknown_keys(&old, &new, "description content required $ref");
        self.contents(&old, &new, way::REQUEST, name);
    }

    /// Compares bodies by media type.
    pub(super) fn contents(&mut self, old: &Node<'a>, new: &Node<'a>, way: u8, name: &str) {
        let is_request = way == way::REQUEST;
        let what = direction(way);
        let broader = if is_request { "request-media-type-generalised" } else { "response-media-type-specialised" };
        let body = |this: &mut Self, kind: &str, old: &Node<'a>, new: &Node<'a>| {
            let is_text = is_request && is_text(kind, old) && is_text(kind, new);
            this.unknown_keys(old, new, "schema example examples encoding");
            this.described([old, new], |media| media.child("schema"), if is_text { way::TEXT } else { way }, what);
        };
        let (common, [gone, more]) = contents(old, new);
        for (kind, [media, new]) in &common {
            if is_request && media.value.get("encoding") != new.value.get("encoding") {
                let message = format!("`encoding` of the body of {name} changed");
                self.note("request-media-type-encoding-changed", both(media, new), message);
            }
            body(self, kind, media, new);
        }
        let mut used = BTreeSet::new();
        for (kind, media) in &gone {
            // Requests may become more general, responses more special.
            let known = common.iter().filter(|_| is_request).map(|(other, [_, new])| (other, new));
            let covers = |(other, _): &(&String, _)| match is_request {
                true => other.contains('*') && specialises(kind, other),
                false => !used.contains(other) && specialises(other, kind),
            };
            if let Some((other, new)) = known.chain(more.iter().map(|(other, new)| (other, new))).find(covers) {
                used.insert(other);
                let message = format!("{what} media type `{kind}` of {name} changed to `{other}`");
                self.note(broader, both(media, new), message);
                body(self, kind, media, new);
            } else {
                let message = format!("{what} media type `{kind}` of {name} removed");
                self.note(&format!("{what}-media-type-removed"), removed(media, new), message);
            }
        }
        for (kind, media) in more.iter().filter(|(kind, _)| !used.contains(kind)) {
            let message = format!("{what} media type `{kind}` of {name} added");
            self.note(&format!("{what}-media-type-added"), added(media), message);
        }
    }

    /// Compares the schemas of two places; without a schema, any value is allowed.
    pub(super) fn described(
        &mut self,
        places: [&Node<'a>; 2],
        schema: impl Fn(&Node<'a>) -> Option<Node<'a>>,
        way: u8,
        name: &str,
    ) -> Option<usize> {
        let (kind, words) = match places.map(&schema) {
            [Some(one), Some(other)] => return Some(self.used(way, &one, &other, name)),
            [None, Some(_)] => ("type-narrowed", "added"),
            [Some(_), None] => ("type-widened", "removed"),
            [None, None] => return None,
        };
        let rule = rules::of_schema(kind, direction(way));
        let rust = if way & way::PLAIN != 0 { Level::None } else { Level::Breaking };
        let [base, head] = places.map(|place| schema(place).unwrap_or_else(|| place.clone()));
        let message = format!("schema of `{name}` {words}");
        self.note_at_most(rule.id, (Level::Breaking, rust), both(&base, &head), message);
        None
    }
}
