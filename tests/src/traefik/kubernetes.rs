//! The Kubernetes form of the shipped configuration: its objects from an API server of the tests' own, and
//! its arguments after those that Traefik's chart gives.
//!
//! There is no DNS of a cluster, so the harness exchanges verify's address; besides that, what each
//! operator exchanges: the host, and the origins that CORS allows.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{HOST, Traefik};
use crate::agent::Agent;
use crate::process::{Process, command};
use crate::scratch::Scratch;
use crate::{place, ports};

/// The namespace of the shipped objects.
const NAMESPACE: &str = "wicketgate";

/// What an operator has beside the shipped objects.
#[derive(Debug)]
pub struct Deployment {
    /// Names of files in `traefik/kubernetes`.
    pub files: Vec<&'static str>,
    /// `https://` and where verify is.
    pub verify: String,
    /// Origins that CORS allows.
    pub origins: [&'static str; 2],
    /// Services by name, and where their pods are.
    pub services: Vec<(&'static str, Vec<SocketAddr>)>,
    /// Secrets by name, with the files that they hold.
    pub secrets: Vec<(&'static str, Vec<(&'static str, PathBuf)>)>,
    /// Objects of somebody else, who shares this Traefik.
    pub others: &'static str,
}

impl Deployment {
    /// Starts the API server and Traefik, with TLS at `secure`.
    pub async fn start(self, scratch: &Scratch, secure: SocketAddr, agent: &Agent) -> Traefik {
        let (kube, url) = self.publish(scratch).await;
        let [plain, internal, metrics] = [ports::free(), ports::free(), ports::free()];
        let mut arguments = vec![
            format!("--entryPoints.metrics.address={metrics}/tcp"),
            format!("--entryPoints.traefik.address={internal}/tcp"),
            format!("--entryPoints.web.address={plain}/tcp"),
            format!("--entryPoints.websecure.address={secure}/tcp"),
            "--ping=true".to_owned(),
            "--metrics.prometheus=true".to_owned(),
            "--metrics.prometheus.entrypoint=metrics".to_owned(),
            "--providers.kubernetescrd".to_owned(),
            "--providers.kubernetescrd.allowEmptyServices=true".to_owned(),
            format!("--providers.kubernetescrd.endpoint={url}"),
            "--providers.kubernetescrd.token=any".to_owned(),
            "--entryPoints.websecure.http.tls=true".to_owned(),
            "--log.level=INFO".to_owned(),
        ];
        let shipped = read("values.yaml");
        let shipped: Vec<_> = shipped
            .lines()
            .filter_map(|line| line.strip_prefix("  - \"--")?.strip_suffix('"'))
            .map(|argument| format!("--{argument}"))
            .collect();
        assert!(shipped.len() > 20, "the arguments in values.yaml: {shipped:?}");
        let to = |argument: &String| argument.ends_with("entryPoint.to=:443");
        assert_eq!(shipped.iter().filter(|argument| to(argument)).count(), 1, "{shipped:?}");
        arguments.extend(shipped.into_iter().map(|argument| {
            argument.replace("entryPoint.to=:443", &format!("entryPoint.to=:{}", secure.port()))
        }));
        let mut traefik = command(place::part("traefik/bin/traefik"));
        traefik.args(arguments);
        let process = Process::start("traefik", traefik, scratch.path());
        let mut traefik = Traefik { process, _kube: Some(kube), secure, plain, internal };
        traefik.ready(agent).await;
        traefik
    }

    async fn publish(&self, scratch: &Scratch) -> (Process, String) {
        let mut files: Vec<_> = self
            .files
            .iter()
            .map(|name| scratch.write(&format!("kubernetes/{name}"), self.adapt(&read(name))))
            .collect();
        files.push(scratch.write("kubernetes/own.yaml", self.own()));
        let mut server = command("python3");
        let parts = place::part("helm");
        server
            .env("WICKETGATE_PARTS_DIR", parts.parent().expect("a part lies among parts"))
            .arg("-B")
            .arg(place::repository().join("tests/helm/serve.py"))
            .args(files)
            .arg("--");
        for (name, pods) in &self.services {
            let numbers: Vec<_> = pods.iter().map(|pod| pod.port().to_string()).collect();
            server.arg(format!("{name}={}", numbers.join(",")));
        }
        let mut kube = Process::start("kube", server, scratch.path());
        let log = kube.ready_log().await;
        (kube, log.trim().to_owned())
    }

    fn adapt(&self, text: &str) -> String {
        let origins = format!("      - {}\n      - {}\n", self.origins[0], self.origins[1]);
        text.replace("https://wicketgate-forwardauth.wicketgate.svc:8001", &self.verify)
            .replace("      - https://app.example.com\n", &origins)
            .replace("app.example.com", HOST)
    }

    /// The operator's Services and Secrets.
    fn own(&self) -> String {
        let mut text = self.others.to_owned();
        for (name, _) in &self.services {
            let port = if *name == "wicketgate-bff" { 8000 } else { 8080 };
            write!(
                text,
                "---\n{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: {NAMESPACE}}}, \
                 spec: {{ports: [{{name: http, port: {port}, protocol: TCP}}]}}}}\n"
            )
            .expect("a text grows");
        }
        for (name, files) in &self.secrets {
            write!(
                text,
                "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {NAMESPACE}}}\ndata:\n"
            )
            .expect("a text grows");
            for (key, file) in files {
                let content = STANDARD.encode(std::fs::read(file).expect("a file of the test"));
                writeln!(text, "  {key}: {content}").expect("a text grows");
            }
        }
        text
    }
}

fn read(name: &str) -> String {
    std::fs::read_to_string(place::repository().join("traefik/kubernetes").join(name))
        .unwrap_or_else(|error| panic!("traefik/kubernetes/{name}: {error}"))
}
