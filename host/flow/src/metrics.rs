//! Metrics: everything that is counted, as one turn sees it.

use growbox_model::ports::Ports;
use growbox_model::row::{MetricsRow, SeriesRow};

use crate::flow::Flow;

impl Flow {
    pub(crate) fn metrics(&self, ports: &impl Ports) -> MetricsRow {
        let now = self.clock.now();
        let verdicts = self.stats.verdicts.iter();
        MetricsRow {
            series: self.zones.fresh_series(now.moment).map(row).collect(),
            devices: self.gate.rows(now),
            switches: self.stats.switches.clone(),
            plugins: self.plugin_rows(),
            faults: self.stats.faults_of.clone(),
            verdicts: verdicts
                .map(|(name, count)| ((*name).into(), *count))
                .collect(),
            taken: self.intake.taken,
            refused: self.intake.refused,
            health: self.health(ports),
        }
    }
}

fn row(series: &crate::series::Series) -> SeriesRow {
    SeriesRow {
        sensor: series.sensor.clone(),
        quantity: series.quantity.clone(),
        zone: series.zone.clone(),
        value: series.value,
        unit: series.unit.clone(),
    }
}
