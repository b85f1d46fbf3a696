//! `[case]` and `[[rota]]`: how long people may take from an escalation on, and who has its case when.

use std::sync::Arc;

use forewarn_domain::Schedule;
use forewarn_domain::violation::CaseTimes;
use forewarn_incident::{CasePolicy, MOST_ON_DUTY, Shift};
use forewarn_report::ResolvedUpstream;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;
use crate::header::check_schedule;
use crate::schema;

pub(crate) const EXAMPLE: &str = r#"# [case]                         # follow each escalation to its end; `case` of a violation says otherwise for that
# received_s = 30                # until somebody has received it; then a reminder, then the next of the rota. 0 is no limit
# assigned_s = 60
# called_back_s = 120
# on_site_s = 300
# [[rota]]                       # who has cases, in this order: names of upstreams, each told when it is its turn
# hours = [{ days = ["mon", "tue", "wed", "thu", "fri"], from = "08:00", to = "18:00" }] # always if absent
# recipients = ["phone", "platform"]
"#;

/// The longest limit.
const MOST_S: f64 = 86_400.0;
/// The most shifts.
const MOST_SHIFTS: usize = 50;

/// `[case]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "the keys of the site file name their unit")]
pub struct RawCase {
    /// Seconds until somebody has received it; 0 for as long as it takes.
    #[schemars(with = "Option<f64>")]
    pub received_s: Option<Spanned<f64>>,
    /// Seconds from then until it is assigned; 0 for as long as it takes.
    #[schemars(with = "Option<f64>")]
    pub assigned_s: Option<Spanned<f64>>,
    /// Seconds from then until who was named calls back; 0 for as long as it takes.
    #[schemars(with = "Option<f64>")]
    pub called_back_s: Option<Spanned<f64>>,
    /// Seconds from then until somebody is on site; 0 for as long as it takes.
    #[schemars(with = "Option<f64>")]
    pub on_site_s: Option<Spanned<f64>>,
}

/// One `[[rota]]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawShift {
    /// When they are on duty; always if absent.
    #[serde(default)]
    #[schemars(schema_with = "schema::schedules")]
    pub hours: Vec<Spanned<Schedule>>,
    /// The names of upstreams, in the order in which they are asked.
    #[schemars(with = "Vec<String>")]
    pub recipients: Vec<Spanned<String>>,
}

/// How cases are followed: with the times of the site; none where the file has neither section.
pub(crate) fn check(
    case: Option<RawCase>,
    rota: Vec<RawShift>,
    upstreams: &mut [ResolvedUpstream],
    check: &mut Check<'_>,
) -> Option<CasePolicy> {
    if case.is_none() && rota.is_empty() {
        return None;
    }
    let RawCase { received_s, assigned_s, called_back_s, on_site_s } = case.unwrap_or_default();
    let mut limit = |limit: Option<Spanned<f64>>| {
        let limit = limit?;
        if (0.0..=MOST_S).contains(limit.get_ref()) {
            return Some(limit.into_inner());
        }
        check.fail(
            limit.span(),
            format!("{} is out of range", limit.get_ref()),
            "write 0 to 86400 seconds; 0 is no limit",
        )
    };
    let times = CaseTimes {
        received_s: limit(received_s),
        assigned_s: limit(assigned_s),
        called_back_s: limit(called_back_s),
        on_site_s: limit(on_site_s),
    };
    let rota = shifts(rota, upstreams, check);
    Some(CasePolicy { times: times.or(&CaseTimes::usual()), rota })
}

/// Checks the rota; whom it names is told of cases alone, each when it is its turn.
fn shifts(rota: Vec<RawShift>, upstreams: &mut [ResolvedUpstream], check: &mut Check<'_>) -> Arc<[Shift]> {
    if let Some(beyond) = rota.get(MOST_SHIFTS).and_then(|shift| shift.recipients.first()) {
        check.fail::<()>(beyond.span(), format!("more than {MOST_SHIFTS} shifts"), "join those of the same people");
    }
    let mut shifts = Vec::new();
    for RawShift { hours, recipients } in rota {
        for hours in &hours {
            check_schedule(check, hours);
        }
        if let Some(beyond) = recipients.get(MOST_ON_DUTY) {
            check.fail::<()>(beyond.span(), format!("more than {MOST_ON_DUTY} in one shift"), "leave the last out");
        }
        for name in &recipients {
            let known = upstreams.iter().map(|upstream| upstream.id.as_str()).collect::<Vec<_>>();
            let problem = format!("there is no upstream \"{}\"", name.get_ref());
            check.named(
                name.span(),
                name.get_ref(),
                known.into_iter(),
                problem,
                "name an `[upstream.NAME]` of this file",
            );
            for upstream in upstreams.iter_mut().filter(|upstream| upstream.id == *name.get_ref()) {
                upstream.filter.on_duty = Some(upstream.id.clone());
            }
        }
        let hours = hours.into_iter().map(Spanned::into_inner).collect();
        shifts.push(Shift { hours, recipients: recipients.into_iter().map(Spanned::into_inner).collect() });
    }
    shifts.into()
}

/// The policy of a violation: its own times where it has some.
pub(crate) fn of_violation(site: Option<&CasePolicy>, own: &CaseTimes) -> Option<CasePolicy> {
    site.map(|site| CasePolicy { times: own.or(&site.times), rota: Arc::clone(&site.rota) })
}

#[cfg(test)]
mod tests {
    use crate::site::resolve;
    use crate::source::Source;

    const SITE: &str = "[site]\nid = \"s\"\n[upstream.mqtt]\nurl = \"mqtt://127.0.0.1\"\n";
    const CAMERA: &str =
        "[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/1\"\n[[camera.rule]]\nviolation = \"loitering\"\n";

    fn site(of_case: &str, with: &str) -> Result<crate::Site, String> {
        let text = format!("{SITE}{of_case}\n{CAMERA}{with}");
        resolve(&Source::new("site.toml", text)).map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_violation_s_own_times_come_before_the_site_s_and_those_before_the_usual() {
        let rota = "[[rota]]\nrecipients = [\"mqtt\"]";
        let site = site(&format!("[case]\nassigned_s = 90\n{rota}"), "with = { case.received_s = 5 }").unwrap();
        let policies = site.engine_setup().policies;
        let policy = policies.values().next().and_then(|policy| policy.case.as_ref()).unwrap();
        let times = &policy.times;
        assert_eq!([times.received_s, times.assigned_s, times.on_site_s], [Some(5.0), Some(90.0), Some(300.0)]);
        assert_eq!(policy.rota[0].recipients, ["mqtt"]);
        assert_eq!(site.upstreams[0].filter.on_duty.as_deref(), Some("mqtt"));
    }

    #[test]
    fn nobody_follows_cases_where_nobody_says_so_and_mistakes_are_told() {
        let plain = site("", "with = { case.received_s = 5 }").unwrap();
        assert!(plain.case.is_none() && plain.upstreams[0].filter.on_duty.is_none());
        for (of_case, says) in [
            ("[case]\nreceived_s = -1", "received_s: -1 is out of range"),
            (
                "[[rota]]\nrecipients = [\"mqt\"]",
                "recipients: there is no upstream \"mqt\"\n  fix: did you mean `mqtt`?",
            ),
            ("[[rota]]\nrecipients = [\"mqtt\"]\nhours = [{ from = \"9\", to = \"10:00\" }]", "is no time of day"),
        ] {
            let told = site(of_case, "").unwrap_err();
            assert!(told.contains(says), "{of_case}: {told}");
        }
    }
}
