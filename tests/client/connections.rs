//! Reused connections: what a server does to a connection between two requests must not fail the second one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use piaxis::{Client, Environment, PaymentMethod, RetryPolicy, types::PaymentCreate};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

fn response(id: &str) -> String {
    let body = format!(r#"{{"id":"{id}","payment_id":"{id}","status":"pending","amount":"1","currency":"UGX"}}"#);
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn order() -> PaymentCreate {
    PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn).build()
}

/// A server that closes every connection when it was idle for so long, to the moment at which the next request may come.
async fn closes_when_idle(idle: Duration) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/api", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = listener.into_std().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut buffer = [0; 8192];
                    while let Ok(Ok(read)) = tokio::time::timeout(idle, stream.read(&mut buffer)).await {
                        if read == 0 {
                            return;
                        }
                        if stream.write_all(response("pay-1").as_bytes()).await.is_err() {
                            return;
                        }
                    }
                    // As servers do: a request that arrived in the meantime gets a reset.
                    let _ = stream.set_zero_linger();
                });
            }
        });
    });
    (base, connections)
}

/// The gaps between payments sweep across the moment at which the server closes.
#[tokio::test]
async fn connections_that_a_server_closes_when_idle_fail_no_payment() {
    let idle = Duration::from_millis(300);
    let (base, connections) = closes_when_idle(idle).await;
    let builder = || Client::builder().environment(Environment::Custom(base.clone())).api_key("key-1");
    let once = builder().retry_policy(RetryPolicy::none()).idle_timeout(idle / 3).build().unwrap();
    let mut timer = tokio::time::interval(Duration::from_micros(500));
    for number in 0..40_u32 {
        let gap = Duration::from_millis(u64::from(number) * 9);
        let until = tokio::time::Instant::now() + gap;
        while tokio::time::Instant::now() < until {
            timer.tick().await;
        }
        let made = once.payments().create(order()).await;
        assert!(made.is_ok(), "after {gap:?}: {}", made.unwrap_err());
    }
    // Short gaps use a connection again, long ones do not.
    let opened = connections.load(Ordering::SeqCst);
    assert!((10..40).contains(&opened), "{opened} connections");
}

/// A server that responds to `late` only after the client has given up, and to everything else at once.
#[derive(Default)]
struct Slow {
    has_received: Notify,
    goes_on: Notify,
    has_responded: Notify,
}

impl Slow {
    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let mut buffer = [0; 8192];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
            let id = request.split([' ', '/']).find(|part| matches!(*part, "late" | "next")).expect("an id");
            if id == "late" {
                self.has_received.notify_one();
                self.goes_on.notified().await;
            }
            let _ = stream.write_all(response(id).as_bytes()).await;
            if id == "late" {
                self.has_responded.notify_one();
            }
        }
    }
}

#[tokio::test]
async fn a_late_response_is_not_that_of_the_next_request() {
    for is_dropped in [false, true] {
        let slow = Arc::new(Slow::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/api", listener.local_addr().unwrap());
        let server = slow.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(server.clone().serve(stream));
            }
        });
        let client = Client::builder()
            .environment(Environment::Custom(base))
            .api_key("key-1")
            .retry_policy(RetryPolicy::none())
            .build()
            .unwrap();
        let timeout = Duration::from_millis(if is_dropped { 60_000 } else { 1_000 });
        let request = client.payments().get("late").timeout(timeout);
        let request = tokio::spawn(request.into_future());
        slow.has_received.notified().await;
        if is_dropped {
            request.abort();
        }
        match request.await {
            Ok(result) => assert!(result.is_err_and(|error| error.is_timeout())),
            Err(aborted) => assert!(is_dropped && aborted.is_cancelled()),
        }
        slow.goes_on.notify_one();
        slow.has_responded.notified().await;

        let next = client.payments().get("next").await.unwrap();

        assert_eq!(next.id, "next", "dropped: {is_dropped}");
    }
}
