//! What the backend does with a payment, and over which connection.

/// A row of the table, apart from the gateway.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    /// Is a segment of a path.
    pub(crate) name: &'static str,
    pub(crate) executes: bool,
    pub(crate) reaction: Reaction,
    pub(crate) connection: Connection,
    /// Whether the client times out before the gateway does.
    pub(crate) client_gives_up: bool,
}

/// What the backend does after it has read the whole request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reaction {
    /// Does not listen.
    Refuse,
    /// Sends these bytes, and closes the connection.
    Send(&'static str),
    /// Closes the connection with RST.
    Reset,
    /// Sends a success once the gateway has closed the connection, or after [`LATE`](super::backend::LATE).
    Late,
    /// Sends a success, and closes the connection.
    Succeed,
}

/// Over which connection of the gateway the request arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connection {
    New,
    /// One that was kept alive after another request.
    KeptAlive,
    /// The same, but the fault strikes on kept-alive connections only. A request over a new connection succeeds.
    OnlyKeptAlive,
}

const HALF_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-le";
const HALF_BODY: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 80\r\n\r\n{\"payment_id\":\"pay-1\",";

macro_rules! response {
    ($status:literal, $headers:literal) => {
        concat!(
            "HTTP/1.1 ",
            $status,
            " Whatever\r\ncontent-type: application/json\r\ncontent-length: 15\r\nconnection: close\r\n",
            $headers,
            "\r\n{\"detail\":\"no\"}"
        )
    };
}

/// Every fault, one a row.
#[rustfmt::skip]
pub(crate) fn faults() -> Vec<Fault> {
    use Reaction::{Late, Refuse, Reset, Send, Succeed};
    let fault = |name, executes, reaction| {
        Fault { name, executes, reaction, connection: Connection::New, client_gives_up: false }
    };
    let kept = |name, reaction| Fault { connection: Connection::KeptAlive, ..fault(name, true, reaction) };
    let only_kept = |name, reaction| Fault { connection: Connection::OnlyKeptAlive, ..fault(name, true, reaction) };
    vec![
        fault("ok", true, Succeed),
        fault("slow", true, Late),
        Fault { client_gives_up: true, ..fault("slow-client-gives-up", true, Late) },
        fault("closes", true, Send("")),
        fault("resets", true, Reset),
        fault("half-head", true, Send(HALF_HEAD)),
        fault("half-body", true, Send(HALF_BODY)),
        fault("refuses-connection", false, Refuse),
        fault("500", true, Send(response!("500", ""))),
        fault("503", true, Send(response!("503", ""))),
        fault("503-retry-after", true, Send(response!("503", "retry-after: 0\r\n"))),
        fault("503-retry-after-not-executed", false, Send(response!("503", "retry-after: 0\r\n"))),
        fault("429", false, Send(response!("429", "retry-after: 0\r\n"))),
        fault("409", false, Send(response!("409", ""))),
        fault("422", false, Send(response!("422", ""))),
        kept("kept-alive-ok", Succeed),
        kept("kept-alive-slow", Late),
        kept("kept-alive-closes", Send("")),
        kept("kept-alive-resets", Reset),
        kept("kept-alive-half-head", Send(HALF_HEAD)),
        kept("kept-alive-half-body", Send(HALF_BODY)),
        only_kept("only-kept-alive-closes", Send("")),
        only_kept("only-kept-alive-resets", Reset),
    ]
}
