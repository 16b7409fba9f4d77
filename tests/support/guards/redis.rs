use std::sync::{Arc, Mutex};

use piaxis::webhook::{Guard, RedisGuard};

use crate::support::redis_server::{Disk, RedisServer};

use super::Backend;

pub struct Redis {
    guard: RedisGuard,
    admin: Mutex<redis::Connection>,
    _server: RedisServer,
}

impl Redis {
    /// None where redis-server is not installed.
    pub async fn start() -> Option<Self> {
        let server = RedisServer::start(Disk::Nothing)?;
        let guard = RedisGuard::connect(&server.address(), "guards").await.unwrap();
        Some(Self { guard, admin: Mutex::new(server.admin()), _server: server })
    }
}

impl Backend for Redis {
    fn guard(&self) -> Arc<dyn Guard> {
        Arc::new(self.guard.clone())
    }

    async fn expire_all(&self) {
        redis::cmd("FLUSHDB").exec(&mut self.admin.lock().unwrap()).unwrap();
    }
}
