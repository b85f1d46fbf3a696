//! `forewarn models tune`: a tuning on this box, kept beside the store.

mod part;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::anyhow;
use forewarn_cli::ModelTune;
use forewarn_hw::box_facts::BoxFacts;
use forewarn_models::card::Task;
use forewarn_models::providers::Provider;
use forewarn_models::tune::{Choice, Given, LeftOut, Machine, Measured, Plan, Tuning, choose, plan};
use forewarn_models::{Card, Runtime, Store};
use serde_json::json;

use self::part::{Origin, Part, Took};
use super::{DEFAULT, detector};
use crate::config;
use crate::detector::tuned::{self, Told};
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::log::note;

/// Looks by each way before the measured ones, in which memory is claimed and some providers compile.
const WARM_UP: usize = 3;
/// How often progress is told while rounds go by.
const TOLD: usize = 4;

/// A card that is asked for.
struct Asked {
    card: Card,
    origin: Origin,
    given: Given,
    /// Where its variants are looked for.
    directory: PathBuf,
}

/// Runs the command.
pub fn run(args: &ModelTune) -> CommandResult {
    if args.measures {
        return part::serve();
    }
    let store = Store::locate();
    for asked in asked(args)? {
        if asked.card.task() != Task::Detect {
            let error =
                anyhow!("{} finds no boxes; only detectors are tuned, and crop models follow [model]", asked.card.name);
            return Err(error).or_exit(ExitCode::Usage);
        }
        store.weights(&asked.card).or_exit(ExitCode::Missing)?;
        let tuning = try_out(&store, &asked, args.rounds)?;
        let path = tuning.write(&store, &asked.card).or_exit(ExitCode::Failed)?;
        let choice = choose(&tuning.ways, &asked.card.name, asked.given)
            .ok_or_else(|| anyhow!("{}: no round could be measured", asked.card.name))?;
        print(args, &tuning, &choice, &path.display().to_string())?;
    }
    Ok(())
}

fn asked(args: &ModelTune) -> Result<Vec<Asked>, CommandError> {
    let site = args.config.as_deref().map(config::load).transpose().or_exit(ExitCode::BadConfig)?;
    let (given, directory) = match &site {
        Some(site) => (site.model.given, site.directory.clone()),
        None => (Given::default(), PathBuf::new()),
    };
    if let (Some(site), Some(path), true) = (site, &args.config, args.cards.is_empty()) {
        let origin = Origin::Site { path: path.clone() };
        return Ok(vec![Asked { card: site.model.card, origin, given, directory }]);
    }
    let default = [DEFAULT.to_owned()];
    let names = if args.cards.is_empty() { &default[..] } else { &args.cards };
    let of = |name: &String| {
        let origin = Origin::Named { name: name.clone(), directory: PathBuf::new() };
        Ok(Asked { card: detector::card(name)?, origin, given, directory: directory.clone() })
    };
    names.iter().map(of).collect()
}

/// A way that is measured, in the process that measures it.
struct Runner {
    part: usize,
    index: usize,
    measured: Measured,
}

/// Measures all ways of one card, in turn.
fn try_out(store: &Store, asked: &Asked, rounds: usize) -> Result<Tuning, CommandError> {
    let libraries = Runtime::libraries(store).or_exit(ExitCode::Missing)?;
    let cores = BoxFacts::read().cores;
    let providers: Vec<Provider> = libraries.iter().flat_map(|(_, providers)| providers.iter().copied()).collect();
    let is_usable = |name: &str| tuned::variant(name, &asked.card, &asked.directory).map(drop);
    let Plan { ways, mut left_out } = plan(&asked.card, asked.given, &Machine { providers, cores }, is_usable);
    note(format_args!("{}: {} ways to run it, {rounds} rounds", asked.card.name, ways.len()));
    let usual = ways.first().cloned();
    let mut parts: Vec<Part> = Vec::with_capacity(libraries.len());
    for (library, _) in &libraries {
        parts.push(Part::start(library).or_exit(ExitCode::Failed)?);
    }
    let mut runners = Vec::new();
    for way in ways {
        let Some(part) = libraries.iter().position(|(_, providers)| providers.contains(&way.provider)) else {
            continue;
        };
        let origin = if way.card == asked.card.name {
            asked.origin.clone()
        } else {
            Origin::Named { name: way.card.clone(), directory: asked.directory.clone() }
        };
        note(format_args!("  {way}: opened and warmed up"));
        match parts[part].open(&origin, &way).and_then(|index| warm_up(&mut parts[part], index).map(|()| index)) {
            Ok(index) => {
                let measured = Measured { way, look_us: Vec::new(), processor_us: Vec::new() };
                runners.push(Runner { part, index, measured });
            }
            Err(why) => left_out.push(LeftOut { what: way.to_string(), why }),
        }
    }
    measure(&mut parts, &mut runners, rounds, &mut left_out);
    let is_measured = |runner: &Runner| Some(&runner.measured.way) == usual.as_ref();
    if !runners.iter().any(is_measured) {
        let why: Vec<String> = left_out.iter().map(|left| format!("{}: {}", left.what, left.why)).collect();
        let error = anyhow!("nothing can be compared, since the usual way could not be measured: {}", why.join("; "));
        return Err(error.into());
    }
    let key = tuned::key(store, &asked.card, &asked.directory);
    let ways = runners.into_iter().map(|runner| runner.measured).collect();
    Ok(Tuning::new(key, &asked.card.name, ways, left_out))
}

fn warm_up(part: &mut Part, index: usize) -> Result<(), String> {
    (0..WARM_UP).try_for_each(|_| part.look(index).map(drop))
}

/// Looks once by every way in each round, each round beginning with another one, so that what slows the machine slows all
/// alike. A way that fails is left out from then on.
fn measure(parts: &mut [Part], runners: &mut Vec<Runner>, rounds: usize, left_out: &mut Vec<LeftOut>) {
    for round in 0..rounds {
        if round % rounds.div_ceil(TOLD) == 0 && round > 0 {
            note(format_args!("  round {round} of {rounds}"));
        }
        let first = round % runners.len().max(1);
        runners.rotate_left(first);
        runners.retain_mut(|runner| match parts[runner.part].look(runner.index) {
            Ok(Took { look_us, processor_us }) => {
                runner.measured.look_us.push(look_us);
                runner.measured.processor_us.push(processor_us);
                true
            }
            Err(why) => {
                left_out.push(LeftOut { what: runner.measured.way.to_string(), why });
                false
            }
        });
        let back = first.min(runners.len());
        runners.rotate_right(back);
    }
}

fn print(args: &ModelTune, tuning: &Tuning, choice: &Choice, path: &str) -> CommandResult {
    let mut out = std::io::stdout().lock();
    if args.json {
        let ways = tuning.ways.iter().map(|row| {
            let (look_ms, processor_ms) = row.medians_ms();
            json!({ "way": row.way, "look_ms": look_ms, "processor_ms": processor_ms })
        });
        let ways: Vec<_> = ways.collect();
        let value = json!({ "card": tuning.card, "key": tuning.key, "rounds": args.rounds, "chosen": choice, "ways": ways,
            "left_out": tuning.left_out, "file": path });
        writeln!(out, "{value}")?;
        return Ok(());
    }
    let (processor, cores) = (&tuning.key.processor, tuning.key.cores);
    writeln!(out, "{} on {processor} with {cores} cores, medians of {} rounds in turn", tuning.card, args.rounds)?;
    writeln!(
        out,
        "{:<24} {:<10} {:<5} {:>7} {:>9} {:>13}",
        "card", "provider", "in", "threads", "look ms", "processor ms"
    )?;
    for row in &tuning.ways {
        let (look_ms, processor_ms) = row.medians_ms();
        let way = &row.way;
        let mark = if *way == choice.way { " <" } else { "" };
        writeln!(
            out,
            "{:<24} {:<10} {:<5} {:>7} {look_ms:>9.2} {processor_ms:>13.2}{mark}",
            way.card, way.provider, way.precision, way.threads
        )?;
    }
    for LeftOut { what, why } in &tuning.left_out {
        writeln!(out, "not taken: {what}: {why}")?;
    }
    writeln!(out, "chosen: {}", Told(choice))?;
    writeln!(out, "kept in {path}; `forewarn run` uses it where [model] leaves it open, replays never do")?;
    Ok(())
}
