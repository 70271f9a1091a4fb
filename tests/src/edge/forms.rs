//! The same deployment told to Traefik in either form.

use std::net::SocketAddr;

use super::Form;
use crate::agent::Agent;
use crate::program::Environment;
use crate::scratch::Scratch;
use crate::service::Service;
use crate::tls::{Ca, Leaf};
use crate::traefik::kubernetes::Deployment;
use crate::traefik::{Files, HOST, Traefik};

/// A router that somebody else wrote into the same Traefik, with no host and no middleware.
const FOREIGN: &str = r#"    foreign:
      entryPoints: [websecure]
      rule: "PathPrefix(`/foreign/`)"
      service: spa
"#;

/// The same as an object. Here it needs the host: without one Traefik takes its own TLS options for it, and
/// answers 421 to who came by those of the host.
const FOREIGN_OBJECT: &str = "
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: foreign, namespace: wicketgate }
spec:
  entryPoints: [websecure]
  routes: [{ kind: Rule, match: Host(`app.wicket.test`) && PathPrefix(`/foreign/`), services: [{ name: spa, port: 8080 }] }]
  tls: { options: { name: wicketgate-tls } }
";

const ORIGINS: [&str; 2] = ["https://spa.wicket.test", "https://other.wicket.test"];

/// Where everything is that Traefik leads to.
pub(super) struct Behind<'a> {
    pub(super) verify: &'a Service,
    pub(super) bff: &'a Service,
    pub(super) protected: Vec<SocketAddr>,
    pub(super) api: &'a Service,
    pub(super) api_behind_verify: bool,
    pub(super) errors: &'a Service,
    pub(super) pages: &'a Service,
}

impl Behind<'_> {
    pub(super) async fn start(
        self,
        form: Form,
        scratch: &Scratch,
        ca: &Ca,
        secure: SocketAddr,
        agent: &Agent,
    ) -> Traefik {
        let leaf = ca.issue("edge", &[HOST]);
        match form {
            Form::File => {
                let environment = self.environment(ca, leaf);
                let mut files = Files::shipped();
                let routers = format!("  routers:\n{FOREIGN}");
                files.dynamic = files.dynamic.replacen("  routers:\n", &routers, 1);
                Traefik::start_with(scratch, secure, &environment, agent, files).await
            }
            Form::Kubernetes => self.deployment(ca, leaf).start(scratch, secure, agent).await,
        }
    }

    fn verify_at(&self) -> String {
        format!("https://localhost:{}", self.verify.address.port())
    }

    fn environment(self, ca: &Ca, leaf: Leaf) -> Environment {
        let replicas: Vec<_> = self.protected.iter().map(|each| format!("http://{each}")).collect();
        let api = if self.api_behind_verify { self.api.origin() } else { String::new() };
        Environment::default()
            .set("WICKETGATE_HOST", HOST)
            .set("WICKETGATE_TLS_CERT", leaf.certificate.display())
            .set("WICKETGATE_TLS_KEY", leaf.key.display())
            .set("WICKETGATE_FORWARDAUTH_URL", self.verify_at())
            .set("WICKETGATE_FORWARDAUTH_CA", ca.file().display())
            .set("WICKETGATE_BFF_URL", format!("https://localhost:{}", self.bff.address.port()))
            .set("WICKETGATE_BFF_CA", ca.file().display())
            .set("WICKETGATE_PROTECTED_URL", replicas.join(", "))
            .set("WICKETGATE_API_URL", api)
            .set("WICKETGATE_ERRORS_URL", self.errors.origin())
            .set("WICKETGATE_SPA_URL", self.pages.origin())
            .set("WICKETGATE_CORS_ORIGINS", ORIGINS.join(", "))
    }

    fn deployment(self, ca: &Ca, leaf: Leaf) -> Deployment {
        let mut files = vec!["middlewares.yaml", "routes.yaml"];
        files.extend(self.api_behind_verify.then_some("api-direct.yaml"));
        let authority = || vec![("ca.crt", ca.file())];
        Deployment {
            files,
            verify: self.verify_at(),
            origins: ORIGINS,
            services: vec![
                ("wicketgate-bff", vec![self.bff.address]),
                ("app", self.protected),
                ("api", vec![self.api.address]),
                ("spa", vec![self.pages.address]),
                ("errors", vec![self.errors.address]),
            ],
            secrets: vec![
                ("wicketgate-forwardauth-tls", authority()),
                ("wicketgate-bff-tls", authority()),
                ("app-example-com", vec![("tls.crt", leaf.certificate), ("tls.key", leaf.key)]),
            ],
            others: FOREIGN_OBJECT,
        }
    }
}
