use super::*;

const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");

fn read(pairs: &[(&str, &str)]) -> (Option<TraceSettings>, Vec<String>) {
    let mut settings = Settings::from_pairs(pairs.iter().copied());
    let read = TraceSettings::read(&mut settings, "bff");
    match settings.finish(Some(())) {
        Ok(_) => (read, Vec::new()),
        Err(problems) => {
            let text = problems.to_string();
            assert!(!text.contains("canary"), "{text}");
            (read, problems.iter().map(|problem| problem.path.clone()).collect())
        }
    }
}

fn good(pairs: &[(&str, &str)]) -> TraceSettings {
    let (read, problems) = read(&[&[ENDPOINT], pairs].concat());
    assert_eq!(problems, Vec::<String>::new());
    read.unwrap()
}

#[test]
fn without_an_endpoint_there_are_none_and_nothing_is_looked_at() {
    let others = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_TRACES_SAMPLER", "canary")];
    let (none, problems) = read(&others);
    assert!(none.is_none() && problems.is_empty());
    for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")] {
        let (none, problems) = read(&[ENDPOINT, off, others[0]]);
        assert!(none.is_none() && problems.is_empty(), "{off:?}");
    }
}

#[test]
fn the_defaults_are_those_of_the_specification() {
    let settings = good(&[]);
    assert_eq!(settings.collector.endpoint, "http://collector:4318/v1/traces");
    assert_eq!(settings.collector.timeout, Duration::from_secs(10));
    assert_eq!(settings.delay, Duration::from_secs(5));
    assert_eq!(settings.sampler, Sampler { follows_parent: true, own: Own::Always });
    let names: Vec<_> = settings.resource.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["service.name", "service.version"]);
}

#[test]
fn what_is_said_of_traces_comes_before_what_is_said_of_all() {
    let settings = good(&[
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://other/at/this/path"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "authorization=Basic%20abc,b=2"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2000"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ]);
    let Collector { endpoint, headers, timeout, .. } = settings.collector;
    assert_eq!(endpoint, "https://other/at/this/path");
    assert_eq!(headers["authorization"], "Basic abc");
    assert!(headers["authorization"].is_sensitive() && !headers.contains_key("a"));
    assert_eq!(timeout, Duration::from_secs(2));
}

#[test]
fn a_resource_is_called_what_the_operator_calls_it() {
    let settings = good(&[
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a,deployment.environment.name=prod%2Deu"),
        ("OTEL_SERVICE_NAME", "edge"),
    ]);
    let value = |name: &str| {
        let found = settings.resource.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(value("service.name"), Some("edge"));
    assert_eq!(value("deployment.environment.name"), Some("prod-eu"));
}

#[test]
fn every_sampler_of_the_specification_that_needs_no_server_is_known() {
    let sampler =
        |name: &str| good(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", "0.5")]);
    for (name, own) in
        [("always_on", Own::Always), ("always_off", Own::Never), ("traceidratio", Own::share(0.5))]
    {
        let alone = Sampler { follows_parent: false, own };
        assert_eq!(sampler(name).sampler, alone);
        let follows = Sampler { follows_parent: true, own };
        assert_eq!(sampler(&format!("parentbased_{name}")).sampler, follows);
    }
}

#[test]
fn t09_all_problems_are_told_at_once_and_no_value_is() {
    let (none, problems) = read(&[
        ENDPOINT,
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "2-canary"),
        ("OTEL_RESOURCE_ATTRIBUTES", "canary"),
        ("OTEL_BSP_SCHEDULE_DELAY", "canary"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "canary"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x=can\u{e4}ry\n,canary"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "-----BEGIN canary"),
    ]);
    assert!(none.is_none());
    assert_eq!(
        problems,
        [
            "OTEL_TRACES_SAMPLER_ARG",
            "OTEL_RESOURCE_ATTRIBUTES",
            "OTEL_BSP_SCHEDULE_DELAY",
            "OTEL_BSP_MAX_QUEUE_SIZE",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "OTEL_EXPORTER_OTLP_HEADERS",
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
        ]
    );
    for endpoint in ["collector:4318", "grpc://c:1", "http://u:canary@c", "http://c/?canary", ""] {
        let (none, _) = read(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint)]);
        assert!(none.is_none(), "{endpoint}");
    }
}

#[test]
fn t17_spans_that_wait_are_bounded() {
    assert_eq!(BATCH, 512);
    for (size, fits) in [("512", true), ("65536", true), ("65537", false), ("-1", false)] {
        let (_, problems) = read(&[ENDPOINT, ("OTEL_BSP_MAX_QUEUE_SIZE", size)]);
        assert_eq!(problems.is_empty(), fits, "{size}");
    }
}
