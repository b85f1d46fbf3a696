//! Starts every part of the agent.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use forewarn_base::thread::Thread;
use forewarn_command::Door;
use forewarn_console::{ConsoleError, Found, Hosts, Places, Ports, Server, Setup, Tls};
use forewarn_domain::Clock;
use forewarn_engine::Engine;
use forewarn_engine::civil_time::SiteTime;
use forewarn_evidence::{Closeups, Sights};
use forewarn_hw::box_facts::boot;
use forewarn_inference::{Models, Shared};
use forewarn_journal::OutboxWriter;
use forewarn_memory::heat::HeatKeeper;
use forewarn_memory::heat::store::HeatStore;
use forewarn_memory::suppressions::SuppressionsFile;
use forewarn_memory::{ClockWatch, Heartbeat, Keeper, MemoryKeeper, SceneKeeper, Shelf};
use forewarn_mission::keeper::MissionKeeper;
use forewarn_report::IncidentLedger;
use forewarn_telemetry::Latencies;
use forewarn_telemetry::queue::{GiveBack, Receiver, Sender, Wait};
use forewarn_wire::story::{Happening, Narrator};
use metrics_exporter_prometheus::PrometheusHandle;

use super::adopter::{Adopter, Hands};
use super::board::Board;
use super::console_source::{self, ConsoleSource};
use super::descriptors::DescriptorWatch;
use super::evidence::{self, Evidence};
use super::health::{Health, HealthDesk, Sources};
use super::incident_loop::{Ends, IncidentLoop, QUEUE};
use super::outbox::open_outbox;
use super::part::Part;
use super::site_file::SiteFile;
use super::speakers::Speakers;
use super::{Agent, Counters, LoopEvent, Servers, commands, inference};
use crate::config::pictures::Pictures;
use crate::config::{self, ConsoleTls, Site, StorageDir};
use crate::evidence_folder::clock_teller;
use crate::exit::{CommandError, ExitCode, OrExit as _};
use crate::log::LogWatch;
use crate::telemetry;

impl Agent {
    /// Starts every part. What fails here is wrong for good; what may mend itself, such as a camera that is away, is
    /// retried by its part.
    pub fn start(site: &Site, mut models: Models, narrator: Option<Box<dyn Narrator>>) -> Result<Self, CommandError> {
        let claim = prepare_process(site)?;
        let shelf = Shelf::start().context("failed to start the thread of files").or_exit(ExitCode::Failed)?;
        let clock_watch = clock_watch(&site.storage.dir).on(&shelf);
        let clock: Arc<dyn Clock> = clock_watch.clock();
        let civil = site_time(site, &clock);
        let recorder = console_source::install_recorder().or_exit(ExitCode::Failed)?;
        let (to_loop, events) = QUEUE.open();
        let (outbox, mut notes) = open_outbox(site, &*clock)?;
        notes.extend(claim.troubles.iter().map(|what| Happening::trouble(what, clock.now())));
        let hands = Hands::start(site, &outbox, &clock, &to_loop)?;

        let (closeups, sights) = (Closeups::default(), Sights::default());
        models.reader = models.reader.map(|reader| closeups.watching(reader));
        let (teller, seen) = (clock_teller(clock_watch.clock()), (closeups, sights.clone()));
        let keeper = evidence::keeper(site, civil.clone(), teller, &hands.streams, seen);
        let evidence = Evidence::start(site, keeper, &clock, to_loop.with_policy::<GiveBack>(), outbox.again())?;
        let shared = Shared::new(models.reader.as_ref().map(|reader| reader.attributes()).unwrap_or_default());
        shared.closer.set_sources(hands.streams.clips());
        let (vitals, lanes) = ((shared.vitals.clone(), shared.power.clone()), shared.lanes.clone());
        let power_watch = inference::watch_power(site, &shared.power, &hands.streams, &clock)?;
        let (board, latencies) = (Board::default(), Arc::<Latencies>::default());
        let (holder, of_adopter, way_in) = (outbox.holder(), outbox.again(), to_loop.clone());
        let (writer, former) = OutboxWriter::start(outbox, clock.now())?;
        let (engine, keepers) = engine_and_keepers(site, civil, &clock, &shelf, sights)?;
        notes.extend(former.notes);
        let ends = Ends {
            engine,
            clock: Arc::clone(&clock),
            clock_watch,
            outbox: writer,
            speakers: hands.speakers.clone(),
            evidence: evidence.desk(),
            keepers,
            inference: shared.clone(),
            sensors: Arc::clone(&hands.mailbox),
            flights: hands.streams.flights(),
            pictures: Pictures::of(&site.cameras),
            board: board.clone(),
            latencies: Arc::clone(&latencies),
            narrator,
            shelf,
        };
        let incident_loop = IncidentLoop::restored(ends, former.snapshots);
        let incidents = Incidents::start(incident_loop, events, notes, to_loop.clone())?;
        let (door, commands) = commands::start(site, (&hands, &board, &shared), &to_loop, &clock)?;
        let inference = inference::start(site, models, &hands.streams, shared, to_loop.clone(), &clock)?;
        let counters = Counters {
            streams: hands.streams.clone(),
            analysed: inference.analysed(),
            latencies,
            outbox: holder.clone(),
            upstreams: hands.upstreams.clone(),
        };
        board.adopt(site, &BTreeSet::new());
        let adopter = Adopter { to_loop, hands: hands.clone(), lanes, outbox: of_adopter, board, clock };
        let sources = Sources::of(&adopter, holder, vitals);
        let (health, servers, console) = serve(site, sources, (recorder, way_in, hands.speakers.clone(), door))?;
        let addresses = servers.iter().map(Server::address).collect();
        let parts: Vec<Box<dyn Part>> = vec![
            commands,
            Box::new(health),
            Box::new(hands.streams),
            Box::new(hands.sensors),
            Box::new(inference),
            Box::new(hands.speakers),
            Box::new(incidents),
            Box::new(evidence),
            Box::new(Servers(servers)),
            Box::new(hands.upstreams),
        ];
        Ok(Self { parts, counters, adopter, addresses, console, _claim: claim, _power_watch: power_watch })
    }
}

/// The agent's time line, which goes on where it stood.
fn clock_watch(storage: &StorageDir) -> ClockWatch {
    let outbox = storage.outbox();
    // A damaged outbox knows no report; it is dealt with when it is opened.
    let ledger = outbox.exists().then(|| IncidentLedger::open(&outbox).ok()).flatten();
    let latest = ledger.and_then(|ledger| Some(ledger.latest(1).ok()?.first()?.updated_at));
    ClockWatch::take_up(storage.clock(), boot, latest)
}

/// The calendar of the site, by the agent's clock.
fn site_time(site: &Site, clock: &Arc<dyn Clock>) -> SiteTime {
    let header = &site.header;
    header.civil_by(Arc::clone(clock))
}

/// Lets the process open as many files as it may, and takes the storage directory for it alone.
fn prepare_process(site: &Site) -> Result<config::Claim, config::Taken> {
    if let Err(error) = forewarn_hw::descriptors::raise_limit() {
        tracing::warn!(%error, "the limit of file descriptors stays as it was");
    }
    config::claim(&site.storage.dir)
}

/// The thread that asks how the parts fare, and the listeners that show it.
fn serve(
    site: &Site,
    sources: Sources,
    (recorder, to_loop, speakers, door): (PrometheusHandle, Sender<LoopEvent, Wait>, Speakers, Option<Door>),
) -> Result<(Health, Vec<Server>, Option<Found>), CommandError> {
    let (streams, outbox, board) = (sources.streams.clone(), sources.outbox.clone(), sources.board.clone());
    let (upstreams, clock) = (sources.upstreams.clone(), Arc::clone(&sources.clock));
    let health = HealthDesk::new(sources, site.storage.dir.path().to_owned());
    let name = site.header.id.to_string();
    let source = ConsoleSource {
        site: name,
        recorder,
        streams,
        speakers,
        outbox,
        board,
        upstreams,
        door,
        to_loop,
        health: health.clone(),
        site_file: Arc::new(SiteFile(site.file.clone())),
        storage: site.storage.dir.clone(),
        time_zone: site.header.time_zone.clone(),
        clock: Arc::clone(&clock),
        rolls: Default::default(),
    };
    let board = source.board.clone();
    let (servers, console) = start_servers(site, &source.ports(), clock, &board);
    Ok((Health::start(health)?, servers, console))
}

/// An engine that goes on with what was kept before the last stop, and those who keep it.
fn engine_and_keepers(
    site: &Site,
    civil: SiteTime,
    clock: &Arc<dyn Clock>,
    shelf: &Shelf,
    sights: Sights,
) -> anyhow::Result<(Engine, Vec<Box<dyn Keeper>>)> {
    let dir = &site.storage.dir;
    let mut engine = Engine::new(site.engine_setup(), Arc::new(civil.clone()));
    let things = site.cameras.iter().filter(|camera| camera.static_objects.is_some()).map(|camera| &camera.id);
    let mut keepers: Vec<Box<dyn Keeper>> = vec![
        Box::new(Heartbeat::of_environment()),
        Box::<DescriptorWatch>::default(),
        Box::<LogWatch>::default(),
        Box::new(SuppressionsFile::watch(dir.suppressions(), Arc::clone(clock), |n| {
            telemetry::SUPPRESSIONS.of([]).set(n as f64);
        })?),
        Box::new(MemoryKeeper::open(dir.rules_memory(), &mut engine).on(shelf)),
        Box::new(SceneKeeper::open(dir.scenes(), things, &mut engine).on(shelf)),
        Box::new(evidence::SightsKeeper(sights)),
    ];
    if site.cameras.iter().any(|camera| camera.ground.is_some()) {
        let missions = forewarn_mission::paper::Missions::at(dir.missions());
        keepers.push(Box::new(MissionKeeper::watch(missions, civil.clone())?.on(shelf)));
    }
    if let Some(heat) = &site.heat_map {
        let store = HeatStore::new(dir.heat(), civil);
        keepers.push(Box::new(HeatKeeper::new(&heat.classes, site.storage.max_days, store).on(shelf)));
    }
    Ok((engine, keepers))
}

/// The thread of the incident loop.
struct Incidents {
    to_loop: Sender<LoopEvent, Wait>,
    thread: Thread<anyhow::Result<()>>,
}

impl Incidents {
    fn start(
        mut incident_loop: IncidentLoop,
        events: Receiver<LoopEvent>,
        notes: Vec<Happening>,
        to_loop: Sender<LoopEvent, Wait>,
    ) -> anyhow::Result<Self> {
        let run = move || {
            for note in &notes {
                incident_loop.tell(note);
            }
            incident_loop.run(&events)
        };
        Ok(Self { to_loop, thread: Thread::spawn("incidents", run)? })
    }
}

impl Part for Incidents {
    fn name(&self) -> &'static str {
        "incidents"
    }

    fn is_broken(&self) -> bool {
        self.thread.has_ended()
    }

    fn stop(&mut self, _left: Duration) -> anyhow::Result<()> {
        self.to_loop.finish(LoopEvent::Stop);
        self.thread.join()?.unwrap_or(Ok(()))
    }
}

/// The listeners, and where the console is found. One that cannot be opened is told, and nobody is warned the less for it.
fn start_servers(site: &Site, ports: &Ports, clock: Arc<dyn Clock>, board: &Board) -> (Vec<Server>, Option<Found>) {
    let opened = |name: &'static str, server: Result<Server, ConsoleError>| {
        server.map_err(|error| {
            tracing::error!("{error}; all else goes on");
            board.lock().closed.insert(name, error.to_string());
        })
    };
    let (listen, mut servers) = (&site.listen, Vec::new());
    if let Some(address) = listen.metrics {
        let hosts = Hosts::listed(listen.metrics_hosts.iter().cloned());
        servers.extend(opened("metrics", Server::of_metrics(address, ports, hosts)));
    }
    let Some(address) = listen.console else { return (servers, None) };
    let setup = Setup {
        site: site.header.id.to_string(),
        time_zone: site.header.time_zone.iana_name().unwrap_or("UTC").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        places: places(&site.storage.dir),
        hosts: Hosts::listed(listen.console_hosts.iter().cloned()),
        is_behind_proxy: listen.is_behind_proxy,
        tls: listen.console_tls.clone().map(|tls| match tls {
            ConsoleTls::Own => Tls::Own,
            ConsoleTls::Given(files) => Tls::Given(files),
        }),
        has_guest: listen.has_guest,
        site_file: site.file.clone(),
        program: std::env::current_exe().unwrap_or_else(|_| "forewarn".into()),
        clock,
    };
    let console = opened("console", Server::of_console(address, ports, setup)).ok();
    let at = console.as_ref().map(|server| server.found().clone());
    servers.extend(console);
    (servers, at)
}

fn places(dir: &StorageDir) -> Places {
    Places {
        evidence: dir.evidence(),
        outbox: dir.outbox(),
        feedback: dir.feedback(),
        suppressions: dir.suppressions(),
        accounts: dir.console_accounts(),
        tokens: dir.console_tokens(),
        index: dir.console_index(),
        audit: dir.console_audit(),
        footage: dir.footage(),
        heat: dir.heat(),
        scratch: dir.scratch(),
        certificate: dir.console_certificate(),
        answer_links: dir.answer_links(),
        web_push: dir.web_push(),
    }
}
