//! What people do from the escalation on: the stages, the limits, the rota; killed and restarted at every point.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forewarn_domain::violation::CaseTimes;
use forewarn_domain::{CaseCause, CaseCommand, CaseStage, Cause, IncidentId, IncidentState, Report, Sight, Timestamp};
use forewarn_incident::{
    CASE_TABLE, CaseEdge, CasePolicy, CaseRefusal, IncidentInput, IncidentSnapshot, Incidents, Output, RulePolicy,
    Shift,
};
use proptest::prelude::*;

use crate::support::{FromMonday, PARKING, at, hit, policy, rule, violation};

fn shift(hours: &str, recipients: &[&str]) -> Shift {
    let hours = if hours.is_empty() { Vec::new() } else { vec![toml::from_str(hours).unwrap()] };
    Shift { hours, recipients: recipients.iter().map(|name| (*name).to_owned()).collect() }
}

fn following(rota: Vec<Shift>) -> CasePolicy {
    CasePolicy { times: CaseTimes::usual(), rota: rota.into() }
}

/// The outer world: it stores a snapshot with each report, as the outbox does.
struct World {
    case: Option<CasePolicy>,
    incidents: Incidents,
    now: f64,
    stored: BTreeMap<IncidentId, String>,
    reports: Vec<Report>,
    id: Option<IncidentId>,
}

impl World {
    fn new(case: impl Into<Option<CasePolicy>>) -> Self {
        let case = case.into();
        let incidents = Self::fresh(case.as_ref());
        Self { case, incidents, now: 10.0, stored: BTreeMap::new(), reports: Vec::new(), id: None }
    }

    fn fresh(case: Option<&CasePolicy>) -> Incidents {
        // Without a speaker the incident is escalated after one observation.
        let policy = RulePolicy { case: case.cloned(), ..policy(violation(PARKING), &[]) };
        Incidents::new(BTreeMap::from([(rule("parking", "kerb"), policy)]), Arc::new(FromMonday))
    }

    /// A world whose incident was escalated at this very instant.
    fn escalated(case: impl Into<Option<CasePolicy>>) -> Self {
        let mut world = Self::new(case);
        while world.transitions().last() != Some(&IncidentState::Escalated) {
            world.show(Sight::Violating, 0.5);
        }
        world
    }

    fn drain(&mut self) {
        let mut news = Vec::new();
        while let Some(output) = self.incidents.poll_output() {
            if let Output::Report(report) = output {
                news.push(report);
            }
        }
        for report in &news {
            let id = report.incident.id.clone();
            match self.incidents.snapshot(&id) {
                Some(snapshot) => drop(self.stored.insert(id.clone(), serde_json::to_string(&snapshot).unwrap())),
                None => drop(self.stored.remove(&id)),
            }
            self.id = Some(id);
        }
        self.reports.extend(news);
    }

    fn show(&mut self, sight: Sight, seconds: f64) {
        self.wait(seconds);
        self.incidents
            .handle_input(IncidentInput::Hit(hit(&rule("parking", "kerb"), 1, sight, self.now)), at(self.now));
        self.drain();
    }

    /// Time passes, and the machine is called when it asks to be.
    fn wait(&mut self, seconds: f64) {
        let end = self.now + seconds;
        while let Some((due, _)) = self.incidents.poll_timeout().filter(|(due, _)| *due <= at(end)) {
            self.incidents.handle_timeout(due.max(at(self.now)));
            self.drain();
        }
        self.now = end;
    }

    /// Time passes, and the machine is called once, late.
    fn oversleep(&mut self, seconds: f64) {
        self.now += seconds;
        self.incidents.handle_timeout(at(self.now));
        self.drain();
    }

    fn tell(&mut self, stage: CaseStage) -> Result<(), CaseRefusal> {
        let incident = self.id.clone().unwrap_or_else(|| IncidentId::from_stored("nobody"));
        let command = CaseCommand { incident, stage, by: "ann".to_owned(), note: "on my way".to_owned() };
        let told = self.incidents.case(&command, at(self.now));
        self.drain();
        told
    }

    fn restart(&mut self) {
        self.incidents = Self::fresh(self.case.as_ref());
        let read = |json: &String| serde_json::from_str::<IncidentSnapshot>(json).unwrap();
        self.incidents.restore(self.stored.values().map(read).collect(), at(self.now));
        self.drain();
    }

    fn transitions(&self) -> Vec<IncidentState> {
        let of_machine = self.reports.iter().filter(|report| !report.is_of_case());
        of_machine.map(|report| report.incident.state).collect()
    }

    /// Every step that was reported, as seconds after the escalation.
    fn steps(&self) -> Vec<String> {
        let of_case: Vec<_> = self.reports.iter().filter_map(Report::case_step).collect();
        let begin = of_case.first().map_or(Timestamp::ZERO, |step| step.at);
        let told = of_case.iter().map(|step| {
            let who = step.by.iter().map(|by| format!(" by {by}")).chain(step.to.iter().map(|to| format!(" to {to}")));
            let after_s = step.at.since(begin).as_secs_f64();
            format!("{after_s} {} ({}){}", step.stage, step.cause.as_str(), who.collect::<String>())
        });
        told.collect()
    }
}

#[test]
fn who_does_not_answer_is_reminded_and_then_the_next_of_the_rota_has_the_case() {
    let mut world = World::escalated(following(vec![shift("", &["ann", "ben"])]));
    world.wait(10_000.0);
    assert_eq!(
        world.steps(),
        [
            "0 sent (incident_escalated) to ann",
            "30 sent (limit_passed) to ann",
            "60 sent (handed_on) to ben",
            "90 sent (limit_passed) to ben",
            "120 sent (nobody_left)",
        ]
    );
    world.tell(CaseStage::OnSite).unwrap();
    assert_eq!(world.steps().last().unwrap(), "10000 on_site (told) by ann", "it is open still");
}

#[test]
fn each_stage_has_its_limit_and_handing_on_begins_anew() {
    let mut world = World::escalated(following(vec![shift("", &["ann", "ben"])]));
    for (wait_s, stage) in [(20.0, CaseStage::Received), (50.0, CaseStage::Assigned), (110.0, CaseStage::CalledBack)] {
        world.wait(wait_s);
        world.tell(stage).unwrap();
    }
    world.wait(700.0);
    world.tell(CaseStage::Settled).unwrap();
    assert_eq!(
        world.steps(),
        [
            "0 sent (incident_escalated) to ann",
            "20 received (told) by ann",
            "70 assigned (told) by ann",
            "180 called_back (told) by ann",
            "480 called_back (limit_passed) to ann",
            "780 sent (handed_on) to ben",
            "810 sent (limit_passed) to ben",
            "840 sent (nobody_left)",
            "880 settled (told) by ann",
        ]
    );
    let ended = world.tell(CaseStage::Settled).unwrap_err();
    assert!(matches!(ended, CaseRefusal::Unknown { .. } | CaseRefusal::NotForward { .. }), "{ended}");
}

#[test]
fn the_rota_goes_by_the_hour_and_a_limit_of_nothing_is_none() {
    // The time line begins on a Monday at midnight, and the escalation is in its first minutes.
    let night = shift("days = ['mon']\nfrom = '00:00'\nto = '00:02'", &["night"]);
    let day = shift("days = ['mon']\nfrom = '00:02'\nto = '24:00'", &["day"]);
    let mut world = World::escalated(following(vec![day, night]));
    world.wait(150.0);
    assert_eq!(world.steps()[0], "0 sent (incident_escalated) to night");
    assert_eq!(world.steps()[2], "60 sent (nobody_left)", "nobody else is on duty then");
    let times =
        CaseTimes { received_s: Some(0.0), assigned_s: Some(0.0), called_back_s: Some(0.0), on_site_s: Some(0.0) };
    let mut world = World::escalated(Some(CasePolicy { times, rota: vec![shift("", &["ann"])].into() }));
    world.wait(100_000.0);
    assert_eq!(world.steps(), ["0 sent (incident_escalated) to ann"]);
}

#[test]
fn where_nobody_follows_cases_a_step_can_be_told_all_the_same() {
    let mut world = World::new(None);
    world.show(Sight::Violating, 0.5);
    world.show(Sight::Violating, 1.0);
    world.show(Sight::Violating, 1.0);
    assert!(matches!(world.tell(CaseStage::Received), Err(CaseRefusal::NotEscalated { .. })), "{:?}", world.steps());
    let mut world = World::escalated(None);
    assert_eq!(world.steps(), [""; 0]);
    world.show(Sight::Violating, 5.0);
    world.tell(CaseStage::Received).unwrap();
    world.wait(1000.0);
    assert_eq!(world.steps(), ["0 received (told) by ann"]);
    let back = world.tell(CaseStage::Received).unwrap_err().to_string();
    assert!(back.contains("does not become received"), "{back}");
}

#[test]
fn somebody_hands_an_incident_over_before_its_warnings_are_used_up() {
    for case in [None, Some(following(vec![shift("", &["ben"])]))] {
        let to = if case.is_some() { " to ben" } else { "" };
        let mut world = World::new(case);
        assert!(world.tell(CaseStage::Sent).is_err(), "nobody is known yet");
        while !world.transitions().contains(&IncidentState::Observing) {
            world.show(Sight::Violating, 0.5);
        }
        world.tell(CaseStage::Sent).unwrap();
        assert_eq!(world.transitions().last(), Some(&IncidentState::Escalated));
        let record = world.reports.iter().rfind(|report| report.case_step().is_none()).unwrap();
        assert_eq!(record.incident.history.last().unwrap().cause, Cause::ToldToEscalate);
        assert_eq!(world.steps(), [format!("0 sent (incident_escalated) by ann{to}")]);
        let again = world.tell(CaseStage::Sent).unwrap_err();
        assert!(matches!(again, CaseRefusal::NotForward { .. }), "{again}");
        world.tell(CaseStage::Settled).unwrap();
        world.restart();
        world.show(Sight::Absent, 1000.0);
        assert!(world.tell(CaseStage::Sent).is_err(), "it has ended");
    }
}

/// What is done in the story that is killed at every point.
const STORY: [fn(&mut World); 9] = [
    |world| world.wait(35.0),
    |world| drop(world.tell(CaseStage::Received)),
    |world| world.show(Sight::Absent, 1.0),
    |world| world.show(Sight::Absent, 30.0),
    |world| world.wait(200.0),
    |world| world.oversleep(500.0),
    |world| drop(world.tell(CaseStage::Assigned)),
    |world| world.wait(30.0),
    |world| drop(world.tell(CaseStage::Rejected)),
];

#[test]
fn killed_and_restarted_at_every_point_a_case_goes_on_as_if_nothing_had_been() {
    let start = || World::escalated(following(vec![shift("", &["ann", "ben"]), shift("", &["cas"])]));
    let mut whole = start();
    for act in STORY {
        act(&mut whole);
    }
    assert!(whole.transitions().contains(&IncidentState::Closed), "the case outlives its incident");
    assert!(whole.steps().len() > 6 && whole.stored.is_empty(), "{:?}", whole.steps());
    for killed_after in 0..=STORY.len() {
        let mut world = start();
        for (n, act) in STORY.iter().enumerate() {
            if n == killed_after {
                world.restart();
                world.restart();
            }
            act(&mut world);
        }
        assert_eq!(world.steps(), whole.steps(), "killed before act {killed_after}");
        assert!(world.stored.is_empty(), "a case that ended is not gone on with");
    }
}

#[derive(Debug, Clone)]
enum Act {
    Tell(usize),
    Wait(u16),
    Oversleep(u16),
    Show(Sight),
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..CaseStage::ALL.len()).prop_map(Act::Tell),
        3 => (0..400_u16).prop_map(Act::Wait),
        1 => (0..2000_u16).prop_map(Act::Oversleep),
        2 => prop_oneof![Just(Sight::Violating), Just(Sight::Absent)].prop_map(Act::Show),
        2 => Just(Act::Restart),
    ]
}

fn some_policy() -> impl Strategy<Value = Option<CasePolicy>> {
    let limit = || prop_oneof![Just(None), (0..200_u16).prop_map(|s| Some(f64::from(s)))];
    let rota =
        prop::collection::vec(prop::collection::vec(prop::sample::select(vec!["ann", "ben", "cas"]), 0..4), 0..3);
    let policy = (limit(), limit(), limit(), limit(), rota).prop_map(
        |(received_s, assigned_s, called_back_s, on_site_s, rota)| {
            let times = CaseTimes { received_s, assigned_s, called_back_s, on_site_s };
            CasePolicy { times, rota: rota.iter().map(|names| shift("", names)).collect() }
        },
    );
    prop_oneof![1 => Just(None), 5 => policy.prop_map(Some)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_comes_the_steps_are_of_the_table_in_order_without_a_gap_and_end(
        policy in some_policy(),
        acts in prop::collection::vec(act(), 0..40),
    ) {
        let mut world = World::escalated(policy);
        for act in acts {
            match act {
                Act::Tell(n) => drop(world.tell(CaseStage::ALL[n])),
                Act::Wait(seconds) => world.wait(f64::from(seconds)),
                Act::Oversleep(seconds) => world.oversleep(f64::from(seconds)),
                Act::Show(sight) => world.show(sight, 1.0),
                Act::Restart => world.restart(),
            }
        }
        // Nobody does anything any more: it comes to rest.
        world.wait(1e6);
        prop_assert_eq!(world.incidents.poll_timeout(), None);

        let mut by_incident: BTreeMap<&IncidentId, Vec<&Report>> = BTreeMap::new();
        for report in world.reports.iter().filter(|report| report.is_of_case()) {
            by_incident.entry(&report.incident.id).or_default().push(report);
        }
        for reports in by_incident.values() {
            let last = reports.last().unwrap().incident.case.as_deref().unwrap();
            // Where nobody follows cases, the first report tells of two steps.
            let told = reports.iter().map(|report| report.sequence - Report::FIRST_CASE_STEP).collect::<Vec<_>>();
            let first = last.steps.len() as u32 - told.len() as u32;
            prop_assert!(first <= 1 && told == (first..last.steps.len() as u32).collect::<Vec<_>>(), "{told:?}");
            let mut from = None;
            let mut asked = BTreeSet::new();
            for pair in last.steps.windows(2) {
                prop_assert!(pair[0].at <= pair[1].at, "{pair:?}");
            }
            for step in &last.steps {
                let edge = CaseEdge { from, to: step.stage, cause: step.cause };
                prop_assert!(CASE_TABLE.contains(&edge), "{edge:?}");
                if let (CaseCause::IncidentEscalated | CaseCause::HandedOn, Some(to)) = (step.cause, &step.to) {
                    prop_assert!(asked.insert(to.clone()), "{to} is asked twice");
                }
                // Whoever hands an incident over is named by the step that opens its case.
                prop_assert!(step.by.is_some() == (step.cause == CaseCause::Told) || from.is_none(), "{step:?}");
                from = Some(step.stage);
            }
            // Four stages with a limit for each of those who were asked, with a reminder each, and the last word.
            prop_assert!(last.steps.len() <= 1 + 6 * (asked.len() + 2) * 2, "{}", last.steps.len());
            if last.stage.is_end() {
                prop_assert!(!world.stored.contains_key(&reports[0].incident.id));
            }
        }
        // What is stored is what is known.
        for (id, json) in &world.stored {
            let snapshot: IncidentSnapshot = serde_json::from_str(json).unwrap();
            prop_assert!(snapshot.is_closed() && snapshot.record().id == *id, "only cases are open at the end");
        }
    }
}
