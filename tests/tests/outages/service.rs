//! A service in a process of its own, the real nginx: it answers with who it was told is asking.

use e2e::process::{Command, Process, command};
use e2e::scratch::Scratch;
use e2e::wire::Wire;
use e2e::{ports, wait};
use rustix::process::Signal;
use tokio::net::TcpStream;

use crate::fault::Part;

/// The running service.
pub(crate) struct Service {
    /// The way to it.
    pub(crate) wire: Wire,
    process: Process,
    scratch: Scratch,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let scratch = Scratch::new();
        let address = ports::free();
        let folder = scratch.path().display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("  {name}_temp_path {folder}/{name};\n"))
            .concat();
        // One process, so that a signal meets all of it.
        scratch.write(
            "nginx.conf",
            format!(
                "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr warn;\n\
                 events {{ worker_connections 1024; }}\nhttp {{\n{temporary}  access_log off;\n  server {{\n    \
                 listen {address};\n    location / {{\n      default_type application/json;\n      \
                 return 200 '{{\"user\":\"$http_x_user_id\",\"session\":\"$http_x_session_id\"}}';\n    }}\n  }}\n}}\n"
            ),
        );
        let process = Process::start("service", nginx(&scratch), scratch.path());
        let mut service = Self { wire: Wire::to(address), process, scratch };
        service.ready().await;
        service
    }

    async fn ready(&mut self) {
        let address = self.wire.server();
        wait::until("the service listens", wait::START, async || {
            assert!(self.process.exited().is_none(), "{}", self.process.log());
            TcpStream::connect(address).await.ok()
        })
        .await;
    }
}

impl Part for Service {
    fn wire(&self) -> &Wire {
        &self.wire
    }

    fn kill(&mut self) {
        self.process.kill();
    }

    fn freeze(&mut self) {
        self.process.signal(Signal::STOP);
    }

    fn thaw(&mut self) {
        self.process.signal(Signal::CONT);
    }

    async fn restart(&mut self) {
        self.process.start_again(nginx(&self.scratch));
        self.ready().await;
    }
}

fn nginx(scratch: &Scratch) -> Command {
    let mut nginx = command("/usr/sbin/nginx");
    nginx.arg("-c").arg(scratch.path().join("nginx.conf")).arg("-e").arg("stderr");
    nginx
}
