//! The two ways in which one Redis takes the place of another.

use e2e::cluster::{Cluster, Node};
use e2e::sentinel::{Sentinel, Server};

use crate::cell::Group;

impl Group for Sentinel {
    type Member = Server;

    async fn master(&mut self) -> u16 {
        self.named().await.expect("a Sentinel names a master")
    }

    fn member(&mut self, port: u16) -> &mut Server {
        Self::member(self, port)
    }

    async fn failed_over(&self, from: u16) {
        Self::failed_over(self, from).await;
    }
}

impl Group for Cluster {
    type Member = Node;

    async fn master(&mut self) -> u16 {
        Self::master(self).await.wire.address.port()
    }

    fn member(&mut self, port: u16) -> &mut Node {
        Self::member(self, port)
    }

    async fn failed_over(&self, from: u16) {
        Self::failed_over(self, from).await;
    }
}
