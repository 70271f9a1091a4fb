//! The programs of this workspace, started as an operator starts them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Output;

use http::StatusCode;

use crate::agent::Agent;
use crate::process::{Process, command, run};
use crate::scratch::Scratch;
use crate::{place, process};

/// Environment variables of a program; a later setting replaces an earlier one.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Sets a variable.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.0.insert(name.to_owned(), value.to_string());
        self
    }

    /// Leaves a variable out.
    #[must_use]
    pub fn unset(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// The value of a variable; empty when unset.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Name and value of each variable.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Names the one CPU that a program may run on; read by nobody but us.
pub const CPU: &str = "E2E_CPU";

/// A running program.
#[derive(Debug)]
pub struct Program {
    /// Its environment, for starting it or a second one again.
    pub environment: Environment,
    /// Its admin listener.
    pub admin: SocketAddr,
    name: String,
    process: Process,
}

impl Program {
    /// Starts a program and waits until it says that it is ready.
    pub async fn start(
        name: &str,
        environment: Environment,
        admin: SocketAddr,
        scratch: &Scratch,
        agent: &Agent,
    ) -> Self {
        Self::start_as(name, name, environment, admin, scratch, agent).await
    }

    /// The same for one of several, whose log is called `log`.
    pub async fn start_as(
        name: &str,
        log: &str,
        environment: Environment,
        admin: SocketAddr,
        scratch: &Scratch,
        agent: &Agent,
    ) -> Self {
        let process = Process::start(log, invocation(name, &environment), scratch.path());
        let mut program = Self { environment, admin, name: name.to_owned(), process };
        program.ready(agent).await;
        program
    }

    /// Starts it again as it was, after its process has ended.
    pub async fn restart(&mut self, agent: &Agent) {
        self.process.kill();
        self.process.start_again(invocation(&self.name, &self.environment));
        self.ready(agent).await;
    }

    async fn ready(&mut self, agent: &Agent) {
        let health = format!("http://{}/health/ready", self.admin);
        self.process
            .ready(async || {
                agent
                    .get(&health)
                    .try_send()
                    .await
                    .ok()
                    .filter(|reply| reply.status == StatusCode::OK)
            })
            .await;
    }

    /// The process, for signals and its log.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Everything it has written to its log.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The value of a metric: the sum over all its series whose line contains `labels`.
    pub async fn metric(&self, agent: &Agent, name: &str, labels: &str) -> f64 {
        let reply = agent.get(&format!("http://{}/metrics", self.admin)).send().await;
        reply
            .text()
            .lines()
            .filter(|line| !line.starts_with('#') && line.contains(labels))
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }
}

/// Runs a program to its end with arguments such as `check-config`.
pub fn once(name: &str, arguments: &[&str], environment: &Environment) -> Output {
    let mut program = invocation(name, environment);
    program.args(arguments);
    run(program)
}

/// Starts a program that should refuse to run, and returns how it ended and what it said; the exit status is `None`
/// when it still ran after a while.
pub fn start_and_look(name: &str, environment: &Environment) -> Output {
    // `timeout` ends with 124 when it had to end the program.
    let mut program = command("timeout");
    program.args(["--signal=KILL", "10"]).arg(place::program(name)).envs(environment.iter());
    run(program)
}

fn invocation(name: &str, environment: &Environment) -> process::Command {
    let mut program = match environment.get(CPU) {
        "" => command(place::program(name)),
        cpu => {
            let mut program = command("taskset");
            program.args(["--cpu-list", cpu]).arg(place::program(name));
            program
        }
    };
    program.envs(environment.iter());
    program
}
