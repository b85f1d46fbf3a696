//! Recipients that answer twice, too late, what is no answer, for what they were never told, say no though they have it, and
//! die; and one beside them that does none of this: whatever they do, each has all that was recorded, in order, and the honest
//! one at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::Clock;
use forewarn_domain::clock::SystemClock;
use forewarn_report::{
    AdapterConfig, Ear, Filter, Manners, MqttVersion, Outbox, ResolvedUpstream, Surroundings, Upstreams,
};
use forewarn_wire::Event;
use forewarn_wire::samples::CLOSING;

use crate::proxy::{Lie, Proxy};
use crate::support::{Broker, PATIENCE, Received, Subscriber, config, free_port, outbox_for, report, within};
use crate::web::{Deed, Web, answer};
use crate::webhook::adapter;

const ROUNDS: u64 = 200;
/// So often the webhook does something that it should not.
const MISDEED_EVERY: u64 = 30;
/// So often the agent is killed and started again.
const KILLED_EVERY: u64 = 25;
const RECIPIENTS: [&str; 3] = ["honest", "liar", "webhook"];

/// A number that looks drawn at random.
fn dice(seed: u64, sides: u64) -> u64 {
    seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) % sides
}

fn broker_at(id: &str, port: u16) -> ResolvedUpstream {
    let people = Arc::default();
    let around = Surroundings { id, site: "north", directory: Path::new("/"), people: &people, environment: &|_| None };
    resolved(id, AdapterConfig::Mqtt(config(port, MqttVersion::V311)).resolve(around).unwrap())
}

fn resolved(id: &str, adapter: Arc<dyn forewarn_report::upstream::Start>) -> ResolvedUpstream {
    let (filter, manners) = (Filter::default(), Manners::default());
    ResolvedUpstream { id: id.to_owned(), is_required: true, since: None, filter, manners, adapter }
}

/// What came first of each event; checks that it came in order.
fn once(who: &str, ids: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    let (mut seen, mut latest) = (BTreeSet::new(), BTreeMap::new());
    for id in ids {
        if !seen.insert(id.clone()) {
            continue;
        }
        let (incident, sequence) = id.rsplit_once('/').unwrap();
        let sequence: u32 = sequence.parse().unwrap();
        let before = latest.insert(incident.to_owned(), sequence);
        assert_eq!(before.map_or(1, |before| before + 1), sequence, "{who} heard of {id} out of order");
    }
    seen
}

fn id_of(message: &Received) -> Option<String> {
    message.topic.contains("/incidents/").then(|| serde_json::from_str::<Event>(&message.payload).unwrap().id)
}

/// The agent's part, which is killed and comes back.
struct Reporting {
    upstreams: Upstreams,
    outbox: Outbox,
}

impl Reporting {
    fn start(dir: &Path, named: &[ResolvedUpstream]) -> Self {
        let outbox = outbox_for(dir, &RECIPIENTS);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Self { upstreams: Upstreams::start(named, &outbox, &clock, Ear::default()).unwrap(), outbox }
    }
}

#[test]
fn whatever_recipients_answer_none_lacks_anything_and_the_honest_one_waits_for_nobody() {
    let dirs = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let brokers = [0, 1].map(|n| Broker::start(dirs[n].path(), free_port(), ""));
    let [at_honest, at_liar] = [0, 1].map(|n| Subscriber::start(brokers[n].port));
    let proxy = Proxy::start(Some(brokers[1].port));
    let web = Web::taking();
    let hook = adapter("webhook", &format!(r#""url":"{}","timeout_s":1"#, web.url()));
    let named = [broker_at("honest", brokers[0].port), broker_at("liar", proxy.port), resolved("webhook", hook)];
    let mut agent = Reporting::start(dirs[2].path(), &named);
    let (mut recorded, mut came) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        proxy.lies([Lie::None, Lie::Twice, Lie::Foreign, Lie::Silent, Lie::Late][dice(round, 5) as usize]);
        if dice(round + 7, 16) == 0 {
            proxy.cut();
        }
        // Rarely, since it is left in peace for a second or more after each.
        if round % MISDEED_EVERY == 0 {
            let (twice, late) = (Deed::Twice(answer(200, "", "{}")), Deed::Late(answer(200, "", "")));
            let misdeeds = [Deed::Deny, Deed::Die, Deed::Hang, twice, Deed::Babble, late];
            let took = Deed::Answer(answer(200, "", ""));
            web.will([misdeeds[(round / MISDEED_EVERY) as usize % misdeeds.len()].clone(), took]);
        }
        if round % KILLED_EVERY == KILLED_EVERY - 1 {
            let Reporting { upstreams, outbox } = agent;
            upstreams.stop(Duration::ZERO);
            drop(outbox);
            agent = Reporting::start(dirs[2].path(), &named);
        }
        let (incident, sequence) = (round / u64::from(CLOSING), (round % u64::from(CLOSING)) as u32 + 1);
        let step = report(incident, sequence);
        agent.outbox.record(&step, Some("{}")).unwrap();
        let id = Event::id_of(&step.incident.id, sequence);
        recorded.push(id.clone());
        while came.last() != Some(&id) {
            came.extend(id_of(&at_honest.next()));
        }
    }
    proxy.lies(Lie::None);
    proxy.cut();
    // Who was cut off often keeps away for up to half a minute, as from a rival of the same name.
    within(PATIENCE * 3, "all have all", || agent.upstreams.stats().values().all(|stats| stats.depth_messages == 0));
    agent.upstreams.stop(Duration::from_secs(10));
    let all: BTreeSet<String> = recorded.iter().cloned().collect();
    assert_eq!(once("the honest one", came), all);
    let [of_honest, of_liar] = [at_honest, at_liar].map(|subscriber| subscriber.rest());
    assert!(of_honest.iter().filter_map(id_of).all(|id| all.contains(&id)));
    assert_eq!(once("the liar", of_liar.iter().filter_map(id_of)), all);
    let asked = web.asked();
    let taken = asked.iter().filter(|asked| asked.is_taken);
    let taken: Vec<String> = taken.map(|asked| serde_json::from_slice::<Event>(&asked.body).unwrap().id).collect();
    let n_taken = taken.len();
    assert!(n_taken > all.len(), "what was denied came again");
    assert_eq!(once("the webhook", taken), all);
    let of_liar = of_liar.iter().filter_map(id_of).count();
    println!(
        "{ROUNDS} rounds, the agent ended {} times: {} events for each of an honest broker, one that lies ({of_liar} deliveries) and a \
         webhook that does ({n_taken}); none lost, none out of order",
        ROUNDS / KILLED_EVERY,
        all.len()
    );
}
