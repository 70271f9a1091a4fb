//! Owns: a real Traefik in place of the built-in edge (`--traefik PATH`).
//!
//! The same choices as the shipped configuration under `traefik/`, on loopback and with plain HTTP for
//! the browser; verify is asked over TLS.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, bail};
use shell::shutdown::Shutdown;
use tokio::process::{Child, Command};

use crate::edge::Routes;

const STATIC: &str = include_str!("../assets/traefik-static.yml");
const DYNAMIC: &str = include_str!("../assets/traefik-dynamic.yml");

/// A running Traefik. It dies with the demo.
#[derive(Debug)]
pub(crate) struct Traefik(Child);

impl Traefik {
    /// Writes its configuration into `directory` and starts it on `port`. `authority` is a file with
    /// the certificate that verify's was signed by.
    pub(crate) fn start(
        binary: &Path,
        port: u16,
        parts: Routes,
        authority: &Path,
        directory: &Path,
    ) -> anyhow::Result<Self> {
        let dynamic = directory.join("traefik-dynamic.yml");
        let fill = |template: &str| {
            template
                .replace("@PORT@", &port.to_string())
                .replace("@DYNAMIC@", &dynamic.to_string_lossy())
                .replace("@BFF@", &parts.bff.to_string())
                .replace("@FORWARDAUTH@", &parts.forwardauth.to_string())
                .replace("@AUTHORITY@", &authority.to_string_lossy())
                .replace("@WHOAMI@", &parts.whoami.to_string())
                .replace("@SPA@", &parts.spa.to_string())
        };
        let settings = directory.join("traefik-static.yml");
        fs::write(&dynamic, fill(DYNAMIC)).context("cannot write Traefik's configuration")?;
        fs::write(&settings, fill(STATIC)).context("cannot write Traefik's configuration")?;
        let child = Command::new(binary)
            .arg(format!("--configFile={}", settings.display()))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        Ok(Self(child))
    }

    /// Waits until the demo ends, and ends with it.
    ///
    /// # Errors
    /// If it dies before.
    pub(crate) async fn until(mut self, shutdown: &Shutdown) -> anyhow::Result<()> {
        tokio::select! {
            () = shutdown.begun() => self.0.kill().await.context("cannot stop Traefik"),
            status = self.0.wait() => {
                bail!("Traefik ended with {}", status.context("cannot wait for Traefik")?)
            }
        }
    }
}
