//! A text of metric families, each with its help and its type once.

use std::collections::BTreeMap;

use prometheus::TextEncoder;
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

/// Families by name.
#[derive(Default)]
pub(super) struct Exposition(BTreeMap<String, MetricFamily>);

/// One family, open for samples.
pub(super) struct Family<'a>(&'a mut MetricFamily);

impl Exposition {
    /// What goes up and down.
    pub(super) fn gauge(&mut self, name: &str, help: &str) -> Family<'_> {
        self.family(name, help, MetricType::GAUGE)
    }

    /// What only grows while the host lives.
    pub(super) fn counter(&mut self, name: &str, help: &str) -> Family<'_> {
        self.family(name, help, MetricType::COUNTER)
    }

    /// A counter where the name ends as one, else a gauge.
    pub(super) fn named(&mut self, name: &str, help: &str) -> Family<'_> {
        if name.ends_with("_total") {
            self.counter(name, help)
        } else {
            self.gauge(name, help)
        }
    }

    fn family(&mut self, name: &str, help: &str, kind: MetricType) -> Family<'_> {
        if !self.0.contains_key(name) {
            let mut family = MetricFamily::default();
            family.set_name(name.to_owned());
            family.set_help(help.to_owned());
            family.set_field_type(kind);
            self.0.insert(name.to_owned(), family);
        }
        Family(self.0.entry(name.to_owned()).or_default())
    }

    /// The text of all of them.
    pub(super) fn text(self) -> String {
        let families: Vec<MetricFamily> = self.0.into_values().collect();
        TextEncoder::new()
            .encode_to_string(&families)
            .unwrap_or_else(|error| {
                tracing::error!(%error, "the metrics cannot be written");
                String::new()
            })
    }
}

impl Family<'_> {
    /// One sample.
    pub(super) fn put(self, labels: &[(&str, &str)], value: f64) {
        let mut metric = Metric::from_label(labels.iter().map(pair).collect());
        if self.0.get_field_type() == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        self.0.mut_metric().push(metric);
    }
}

fn pair((name, value): &(&str, &str)) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name((*name).to_owned());
    pair.set_value((*value).to_owned());
    pair
}
