//! PostgreSQL as a backend of the suite.

use std::sync::Arc;

use deadpool_postgres::tokio_postgres::Client;
use piaxis::webhook::{Guard, PostgresGuard};

use crate::support::postgres_server::{PostgresServer, connect};

use super::Backend;

pub struct Postgres {
    guard: PostgresGuard,
    client: Client,
    _server: Arc<PostgresServer>,
}

impl Postgres {
    pub async fn start(options: &str) -> Option<Self> {
        let server = PostgresServer::shared()?;
        let url = server.database().await;
        let client = connect(&url).await;
        let guard = PostgresGuard::connect(&format!("{url}{options}"), "test").unwrap();
        guard.migrate().await.unwrap();
        Some(Self { guard, client, _server: server })
    }
}

impl Backend for Postgres {
    fn guard(&self) -> Arc<dyn Guard> {
        Arc::new(self.guard.clone())
    }

    async fn expire_all(&self) {
        let expire = "UPDATE piaxis_deliveries SET expires_at = now() - interval '1 second'";
        self.client.execute(expire, &[]).await.unwrap();
    }
}
