//! `forewarn update`: what is typed, done.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use forewarn_base::http::{Ask, Http};
use forewarn_base::{durable, hash};
use forewarn_cli::{Update, UpdateDir, UpdatePack, UpdateTake};
use forewarn_config::Site;
use forewarn_config::violations::Library;
use forewarn_domain::Clock;
use forewarn_seal::key::{DeviceKey, PublicKey};

use crate::bundle;
use crate::error::UpdateError;
use crate::examine::{examine, is_of_version};
use crate::folder::{Folder, Places, Taking};
use crate::gate::{self, Gate, Seen, Verdict};
use crate::manifest::{Entry, FORMAT, Here, Manifest, Part, name_of};
use crate::moment::Moment;
use crate::placing::Brought;
use crate::source;
use crate::state::{Phase, Slot, State};
use crate::version::Version;

/// How often an agent on trial is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long an agent may take to say how it fares, and how much it may say.
const ANSWER_TIME: Duration = Duration::from_secs(5);
const MOST_METRICS_BYTES: usize = 4 << 20;

/// What the program that was typed knows of itself and its box.
pub struct Own<'a> {
    /// Its version.
    pub version: &'a str,
    /// The model store.
    pub models: PathBuf,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Does what was typed, and says on `out` what came of it.
pub fn run(args: &Update, own: &Own<'_>, out: &mut dyn Write) -> Result<(), UpdateError> {
    match args {
        Update::Keygen { key } => keygen(key, out),
        Update::Pack(args) => pack(args, out),
        Update::Check(args) => check(args, own, out),
        Update::Apply(args) => apply(args, own, out),
        Update::Status { kept, json } => status(kept, *json, own, out),
        Update::Rollback { kept, why, of_trial } => {
            let version = Folder::at(&kept.dir).decide(|state| state.give_up(why, *of_trial))?;
            say(out, &format!("the next start returns from {version}: systemctl restart forewarn"))
        }
        Update::Withdraw(kept) => {
            let version = Folder::at(&kept.dir).decide(State::withdraw)?;
            say(out, &format!("the update to {version} is withdrawn; nothing has changed"))
        }
        Update::Begin(kept) => {
            let told = Folder::at(&kept.dir).begin()?;
            told.iter().try_for_each(|line| say(out, line))
        }
        Update::Confirm { config, kept } => confirm(config, kept, own, out),
        Update::Exec { kept, arguments } => exec(kept, arguments, own),
    }
}

fn say(out: &mut dyn Write, line: &str) -> Result<(), UpdateError> {
    writeln!(out, "{line}").map_err(UpdateError::Print)
}

impl Own<'_> {
    fn version(&self) -> Result<Version, UpdateError> {
        self.version.parse().map_err(|error| UpdateError::Bad(format!("{error}")))
    }
}

fn keygen(path: &Path, out: &mut dyn Write) -> Result<(), UpdateError> {
    bundle::must_be_new(path)?;
    let key = DeviceKey::generate()?;
    let pem = key.to_pem().unwrap_or_default();
    durable::replace(path, pem.as_bytes()).map_err(UpdateError::io("write", path))?;
    say(out, &format!("[update]\nkey = \"{}\"", key.public()))
}

fn pack(args: &UpdatePack, out: &mut dyn Write) -> Result<(), UpdateError> {
    let pem = fs::read_to_string(&args.key).map_err(UpdateError::io("read", &args.key))?;
    let key = DeviceKey::from_pem(&pem)?;
    let bad = |why: String| UpdateError::Bad(why);
    let version = |text: &str| text.parse::<Version>().map_err(|error| bad(error.to_string()));
    let mut files: Vec<(Part, &PathBuf)> = Vec::new();
    files.extend(args.program.iter().map(|path| (Part::Program, path)));
    files.extend(args.models.iter().map(|path| (Part::Models, path)));
    files.extend(args.violations.iter().map(|path| (Part::Violations, path)));
    files.extend(args.configuration.iter().map(|path| (Part::Configuration, path)));
    let entries = files.iter().map(|(part, path)| entry(*part, path)).collect::<Result<_, _>>()?;
    let manifest = Manifest {
        format: FORMAT,
        version: version(&args.version)?,
        follows: version(&args.follows)?,
        arch: args.program.as_deref().map(bundle::arch_of).transpose()?.map(str::to_owned),
        note: args.note.clone(),
        files: entries,
    };
    manifest.check().map_err(bad)?;
    makes_sense(args, &manifest)?;
    let paths: Vec<PathBuf> = files.into_iter().map(|(_, path)| path.clone()).collect();
    bundle::pack(&args.out, &manifest, &paths, &key)?;
    describe(&manifest, out)?;
    say(out, &format!("signed by {} in {}", key.public(), args.out.display()))
}

/// Whether any box could take it, as far as that shows before it is signed.
fn makes_sense(args: &UpdatePack, manifest: &Manifest) -> Result<(), UpdateError> {
    let bad = |why: String| Err(UpdateError::Bad(why));
    if manifest.follows >= manifest.version {
        return bad(format!("{} cannot follow {}: versions only go up", manifest.version, manifest.follows));
    }
    if let Some(empty) = manifest.files.iter().find(|file| file.bytes == 0) {
        return bad(format!("{} is empty", empty.path()));
    }
    if let Some(program) = args.program.as_ref().filter(|_| manifest.arch.as_deref() == Some(env::consts::ARCH)) {
        // One for another processor can be asked there alone.
        is_of_version(program, &manifest.version)?;
    }
    args.violations.iter().try_for_each(|path| Library::check_file(path))?;
    args.configuration.iter().try_for_each(|path| forewarn_config::check_spelling(path))?;
    Ok(())
}

fn entry(part: Part, path: &Path) -> Result<Entry, UpdateError> {
    let digest = hash::digest_of_file(path).map_err(UpdateError::io("read", path))?;
    let name = match part {
        Part::Program => "forewarn".to_owned(),
        Part::Configuration => "site.toml".to_owned(),
        _ => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    };
    Ok(Entry { part, name, bytes: digest.bytes, sha256: digest.sha256 })
}

fn describe(manifest: &Manifest, out: &mut dyn Write) -> Result<(), UpdateError> {
    let arch = manifest.arch.as_deref().map(|arch| format!(", for {arch}")).unwrap_or_default();
    say(out, &format!("update to {}, follows {} and later{arch}", manifest.version, manifest.follows))?;
    if !manifest.note.is_empty() {
        say(out, &format!("  {}", manifest.note))?;
    }
    manifest.files.iter().try_for_each(|file| say(out, &format!("  {} ({} bytes)", file.path(), file.bytes)))
}

/// A site that takes updates.
struct Taker {
    site: Site,
    update: forewarn_config::Update,
    key: PublicKey,
}

impl Taker {
    fn load(config: &Path) -> Result<Self, UpdateError> {
        let site = forewarn_config::load(config)?;
        let Some(update) = site.update.clone() else {
            let why = format!(
                "{} takes no updates: add [update] with the `key` of whoever makes them; see docs/update.md",
                config.display()
            );
            return Err(UpdateError::NotAllowed(why));
        };
        let key = update.key.parse()?;
        Ok(Self { site, update, key })
    }

    /// Where the files of updates go.
    fn places(&self, config: &Path, own: &Own<'_>) -> Result<Places, UpdateError> {
        let site_file = fs::canonicalize(config).map_err(UpdateError::io("find", config))?;
        Ok(Places { models: absolute(&own.models)?, violations: absolute(&self.site.violations_dir)?, site_file })
    }

    fn judge(&self, manifest: &Manifest, state: &State, own: &Version, again: bool) -> Result<(), UpdateError> {
        // Without a folder of its own the site reads no violation files.
        let has_folder = self.site.violations_dir != self.site.directory;
        if !has_folder && manifest.of(Part::Violations).next().is_some() {
            let why = "the update brings violations, and the site reads none of its own: add `dir` to [violations]";
            return Err(UpdateError::NotAllowed(why.to_owned()));
        }
        let failed = state.undone.as_ref().filter(|_| !again).map(|undone| (&undone.version, undone.why.as_str()));
        let (arch, version) = (env::consts::ARCH, state.version(own));
        Ok(manifest.judge(&Here { arch, version, parts: &self.update.parts, failed })?)
    }

    /// What the running agent says of itself; none if it does not answer.
    fn metrics(&self) -> Option<String> {
        let address = self.site.listen.metrics?;
        let http = Http::new(None, ANSWER_TIME);
        let answer = http.ask(&Ask::get(format!("http://{address}/metrics")), MOST_METRICS_BYTES).ok()?;
        (answer.status == 200).then(|| String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// The program of the process that holds the storage directory, if it was started since.
    fn running(&self, since: Option<&Moment>) -> Option<PathBuf> {
        let process: u32 = fs::read_to_string(self.site.storage.dir.lock()).ok()?.trim().parse().ok()?;
        if !since.is_none_or(|since| since.is_before(process)) {
            return None;
        }
        fs::read_link(format!("/proc/{process}/exe")).ok()
    }
}

fn check(args: &UpdateTake, own: &Own<'_>, out: &mut dyn Write) -> Result<(), UpdateError> {
    let taker = Taker::load(&args.config)?;
    let places = taker.places(&args.config, own)?;
    let folder = Folder::at(&args.kept.dir);
    let state = folder.load()?;
    state.clone().make_room()?;
    let (name, from) = source::open(args.bundle.as_deref(), &taker.update)?;
    let version = own.version()?;
    // Where a program can be run, if that may be written.
    let scratch = tempfile::tempdir_in(&args.kept.dir).or_else(|_| tempfile::tempdir());
    let scratch = scratch.map_err(UpdateError::io("write in", env::temp_dir()))?;
    let mut brought = Brought { program: folder.runs(&version)?.map(|(path, _)| (path, false)), ..Brought::default() };
    let judge = |manifest: &Manifest| {
        taker.judge(manifest, &state, &version, args.again)?;
        folder.has_room(manifest)
    };
    let keep = |entry: &Entry, file: &mut dyn std::io::Read| {
        let path = scratch.path().join(format!("{}-{}", name_of(entry.part), entry.name));
        durable::replace_from(&path, file, 0o700).map_err(UpdateError::io("write", &path))?;
        let found = hash::digest_of_file(&path).map_err(UpdateError::io("read", &path))?;
        bundle::is_as_signed(entry, &found, &name)?;
        match entry.part {
            Part::Program => brought.program = Some((path, true)),
            Part::Configuration => brought.configuration = Some(path),
            Part::Violations => brought.violations.push((entry.name.clone(), path)),
            Part::Models => fs::remove_file(&path).map_err(UpdateError::io("remove", path))?,
        }
        Ok(())
    };
    let manifest = bundle::read(from, &name, &taker.key, judge, keep)?;
    examine(&brought, &manifest.version, &places)?;
    describe(&manifest, out)?;
    say(out, &format!("signed by the site's key; {} is in force, and this site would take it", state.version(&version)))
}

fn apply(args: &UpdateTake, own: &Own<'_>, out: &mut dyn Write) -> Result<(), UpdateError> {
    let taker = Taker::load(&args.config)?;
    let places = taker.places(&args.config, own)?;
    let (name, from) = source::open(args.bundle.as_deref(), &taker.update)?;
    let metrics = taker.metrics();
    if metrics.is_none() {
        say(out, "the agent does not answer: the update will be judged as if nothing had been in trouble before")?;
    }
    let ailing = metrics.as_deref().map(gate::ailing).unwrap_or_default();
    let version = own.version()?;
    let taking = Taking { name: &name, key: &taker.key, own: &version, places: &places, ailing };
    let folder = Folder::at(&args.kept.dir);
    let judge = |manifest: &Manifest, state: &State| taker.judge(manifest, state, &version, args.again);
    let manifest =
        folder.take(from, &taking, judge, |manifest, brought| examine(brought, &manifest.version, &places))?;
    describe(&manifest, out)?;
    say(out, "it lies ready, and the next start of the agent tries it: systemctl restart forewarn")
}

fn absolute(path: &Path) -> Result<PathBuf, UpdateError> {
    std::path::absolute(path).map_err(UpdateError::io("find", path))
}

fn status(kept: &UpdateDir, json: bool, own: &Own<'_>, out: &mut dyn Write) -> Result<(), UpdateError> {
    let state = Folder::at(&kept.dir).load()?;
    if json {
        return say(out, &serde_json::to_string(&state).unwrap_or_default());
    }
    let version = own.version()?;
    say(out, &format!("in force: {}", state.version(&version)))?;
    match state.runs(&version) {
        Some((slot, program)) => say(out, &format!("program: {} in slot {}", program.version, slot.side.name()))?,
        None => say(out, &format!("program: {version} of the package"))?,
    }
    let of = |slot: &Slot| slot.manifest.version.to_string();
    match &state.phase {
        Phase::Quiet => {}
        Phase::Ready(slot) => say(out, &format!("ready: {}, tried with the next start", of(slot)))?,
        Phase::Trial { slot, starts, .. } => say(out, &format!("on trial: {}, start {starts}", of(slot)))?,
        Phase::Undoing { slot, why } => say(out, &format!("undone with the next start: {}: {why}", of(slot)))?,
    }
    match &state.undone {
        Some(undone) => say(out, &format!("undone: {}: {}", undone.version, undone.why)),
        None => Ok(()),
    }
}

fn confirm(config: &Path, kept: &UpdateDir, own: &Own<'_>, out: &mut dyn Write) -> Result<(), UpdateError> {
    let folder = Folder::at(&kept.dir);
    let Phase::Trial { slot, begun, .. } = folder.load()?.phase else { return Ok(()) };
    let verdict = match Taker::load(config) {
        Ok(taker) => watch(&taker, &folder, (&slot, begun.as_ref()), own)?,
        Err(error) => Err(format!("the site file could not be read: {error}")),
    };
    match verdict {
        Ok(()) => {
            let version = folder.decide(State::confirm)?;
            say(out, &format!("the agent is well: {version} is in force"))
        }
        Err(why) => {
            let version = folder.decide(|state| state.give_up(&why, true))?;
            Err(UpdateError::Failed { version: version.to_string(), why })
        }
    }
}

/// Looks at the agent until the gate has a verdict.
fn watch(
    taker: &Taker,
    folder: &Folder,
    (slot, begun): (&Slot, Option<&Moment>),
    own: &Own<'_>,
) -> Result<Result<(), String>, UpdateError> {
    let own_program = env::current_exe().map_err(UpdateError::io("find", "/proc/self/exe"))?;
    let expected = folder.runs(&own.version()?)?.map_or(own_program, |(path, _)| path);
    let expected = fs::canonicalize(&expected).unwrap_or(expected);
    let mut gate = Gate::new(slot.ailing.clone(), taker.update.within, taker.update.steady);
    let began = own.clock.now();
    // Nobody sends: it is only waited.
    let (_never, ticks) = sync_channel::<()>(1);
    loop {
        let seen = taker.metrics().map_or_else(Seen::default, |metrics| {
            gate::read(&metrics, taker.running(begun).as_ref() == Some(&expected))
        });
        match gate.see(own.clock.now().since(began), &seen) {
            Verdict::Wait => {}
            Verdict::Well => return Ok(Ok(())),
            Verdict::Failed(why) => return Ok(Err(why)),
        }
        // What ends the wait is its time.
        let _ = ticks.recv_timeout(LOOK_EVERY);
    }
}

/// Never returns but with an error.
fn exec(kept: &UpdateDir, arguments: &[OsString], own: &Own<'_>) -> Result<(), UpdateError> {
    let program = Folder::at(&kept.dir).runs(&own.version()?).unwrap_or_else(|error| {
        // Standard error is the service's log. The watch goes on by the program that is there.
        let _ = writeln!(std::io::stderr(), "forewarn: the program of the update is not run: {error}");
        None
    });
    if let Some((path, _)) = program {
        let error = Command::new(&path).args(arguments).exec();
        let _ = writeln!(std::io::stderr(), "forewarn: {} cannot be run: {error}", path.display());
    }
    let own_program = env::current_exe().map_err(UpdateError::io("find", "/proc/self/exe"))?;
    let error = Command::new(&own_program).args(arguments).exec();
    Err(UpdateError::io("run", own_program)(error))
}
