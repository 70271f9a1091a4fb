//! A real Prometheus that scrapes both programs once a second, with the rules that this repository ships, and
//! promtool.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use url::Url;

use crate::agent::Agent;
use crate::process::{Process, command};
use crate::scratch::Scratch;
use crate::{place, ports};

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    process: Process,
    address: SocketAddr,
}

impl Prometheus {
    /// Starts one that scrapes `targets`, each a job and the address of its admin listener.
    pub async fn start(scratch: &Scratch, targets: &[(&str, SocketAddr)], agent: &Agent) -> Self {
        let address = ports::free();
        let shipped = place::repository().join("helm/wicketgate/files/rules.yaml");
        let rules = std::fs::read_to_string(shipped).expect("the shipped rules");
        assert_eq!(rules.matches("interval: 30s").count(), 1);
        let rules = scratch.write("rules.yaml", rules.replace("interval: 30s", "interval: 1s"));
        let mut jobs = String::new();
        for (job, target) in targets {
            writeln!(
                jobs,
                "  - {{ job_name: {job}, static_configs: [{{ targets: [\"{target}\"] }}] }}"
            )
            .expect("writing to a string");
        }
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [{}]\nscrape_configs:\n{jobs}",
            rules.display()
        );
        let config = scratch.write("prometheus.yml", config);
        let data = scratch.directory("prometheus");
        let mut program = command("prometheus");
        program
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg(format!("--web.listen-address={address}"));
        let process = Process::start("prometheus", program, scratch.path());
        let mut prometheus = Self { process, address };
        prometheus.ready(agent).await;
        prometheus
    }

    async fn ready(&mut self, agent: &Agent) {
        let ready = format!("http://{}/-/ready", self.address);
        self.process
            .ready(async || {
                agent.get(&ready).try_send().await.ok().filter(|reply| reply.status == 200)
            })
            .await;
    }

    /// What a query gives now.
    ///
    /// # Panics
    /// If it cannot be evaluated.
    pub async fn query(&self, agent: &Agent, query: &str) -> Vec<Value> {
        let mut url = self.api("query");
        url.query_pairs_mut().append_pair("query", query);
        let answer = agent.get(url.as_str()).send().await.json();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        match &answer["data"]["result"] {
            Value::Array(samples) => samples.clone(),
            other => panic!("{query}: {other}"),
        }
    }

    /// All rules: each with its `query`, its `health` and, where it has been evaluated in vain, its
    /// `lastError`.
    pub async fn rules(&self, agent: &Agent) -> Vec<Value> {
        let answer = agent.get(self.api("rules").as_str()).send().await.json();
        let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
        groups.iter().filter_map(|group| group["rules"].as_array().cloned()).flatten().collect()
    }

    fn api(&self, path: &str) -> Url {
        let url = format!("http://{}/api/v1/{path}", self.address);
        Url::parse(&url).expect("an address of ours")
    }
}

/// What promtool says of the text of `/metrics`.
pub fn check_metrics(text: &str, directory: &Path) -> Output {
    let file = directory.join("metrics.txt");
    std::fs::write(&file, text).expect("the scratch directory is writable");
    let mut promtool = command("promtool");
    promtool
        .args(["check", "metrics"])
        .stdin(std::fs::File::open(file).expect("written before"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    crate::process::run(promtool)
}
