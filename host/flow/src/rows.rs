//! Rows: the answers to questions about zones and plug-ins.

use growbox_model::ports::{Ports, Ticket};
use growbox_model::row::{Answer, MeasureRow, PluginRow, Question, SetpointRow, ZoneRow};
use growbox_model::{Text, ZoneView};

use crate::flow::Flow;
use crate::mailbox::{Mailbox, Phase};

impl Flow {
    pub(crate) fn hear_question(
        &mut self,
        ticket: Ticket,
        question: &Question,
        ports: &mut impl Ports,
    ) {
        let answer = match question {
            Question::Devices => Answer::Devices(self.gate.rows(self.clock.now())),
            Question::Zones => Answer::Zones(self.zone_rows()),
            Question::Plugins => Answer::Plugins(self.plugin_rows()),
            Question::Alerts => Answer::Alerts(self.alerts.listed()),
            Question::Analytics(window) => self.reports.listed(window.as_deref()),
            Question::Metrics => Answer::Metrics(Box::new(self.metrics(ports))),
            Question::Health => Answer::Health(self.health(ports)),
        };
        ports.answer(ticket, answer);
    }

    pub(crate) fn zone_rows(&self) -> Vec<ZoneRow> {
        let now = self.clock.now();
        let ids = self.zones.ids();
        ids.filter_map(|id| self.zones.view(id, now))
            .map(zone_row)
            .collect()
    }

    pub(crate) fn plugin_rows(&self) -> Vec<PluginRow> {
        self.plugins
            .boxes
            .values()
            .map(|mailbox| self.plugin_row(mailbox))
            .collect()
    }

    fn plugin_row(&self, mailbox: &Mailbox) -> PluginRow {
        let (state, why): (&str, Option<Text>) = match &mailbox.phase {
            Phase::Waiting(ask) => ("waiting", Some(ask.clone())),
            Phase::Running => ("running", mailbox.trouble.clone()),
            Phase::BackingOff(_) => ("backing-off", mailbox.trouble.clone()),
            Phase::Quarantined(why) => ("quarantined", Some(why.clone())),
        };
        PluginRow {
            id: mailbox.spec.id.clone(),
            version: mailbox.manifest.version.as_str().into(),
            state: state.into(),
            generation: Some(mailbox.generation.0),
            behind: self.behind(mailbox),
            strikes: mailbox.strikes,
            memory_bytes: mailbox.memory_bytes,
            controls: mailbox.spec.grant.control.clone(),
            why,
        }
    }

    /// How many events it has not considered yet; numbers a restart jumped over do not count.
    fn behind(&self, mailbox: &Mailbox) -> u64 {
        match self.ring.after(mailbox.cursor) {
            Some(entries) => entries.filter(|entry| mailbox.wants(entry)).count() as u64,
            None => self.last_seq.0.saturating_sub(mailbox.cursor.0),
        }
    }
}

fn zone_row(view: ZoneView) -> ZoneRow {
    let setpoint = |point: growbox_model::Setpoint| {
        let row = SetpointRow {
            low: point.low,
            target: point.target,
            high: point.high,
            unit: point.unit,
        };
        (point.quantity.as_str().into(), row)
    };
    let measure = |measure: growbox_model::Measure| {
        let row = MeasureRow {
            value: measure.value,
            unit: measure.unit,
            quality: measure.quality.as_str().into(),
            taken: measure.taken_at,
        };
        (measure.quantity.as_str().into(), row)
    };
    ZoneRow {
        id: view.zone,
        stage: view.stage,
        operation: view.operation.as_str().into(),
        mode: view.mode,
        day: view.day,
        setpoints: view.setpoints.into_iter().map(setpoint).collect(),
        climate: view.climate.into_iter().map(measure).collect(),
        missing: view
            .missing
            .iter()
            .map(|quantity| quantity.as_str().into())
            .collect(),
    }
}
