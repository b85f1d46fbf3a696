//! What stands in the help can be typed, and what is typed wrongly is told.

use clap::{CommandFactory as _, Parser as _};

use crate::{Cli, Moment, PageLanguage};

/// The widest line that stays one line in a terminal of 80 columns.
const WIDEST: usize = 80;

/// The commands that do something, with the help that stands below their options.
fn leaves(command: &clap::Command, path: &str, all: &mut Vec<(String, String)>) {
    let mut has_any = false;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        has_any = true;
        leaves(sub, &format!("{path} {}", sub.get_name()), all);
    }
    if !has_any {
        all.push((path.to_owned(), command.get_after_help().map(ToString::to_string).unwrap_or_default()));
    }
}

/// The words of a line as a shell reads them, without where its output goes and what it says beside.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (None, '#' | '>') if word.is_none() => break,
            (None, '\'' | '"') => (quote, word) = (Some(c), Some(word.unwrap_or_default())),
            (Some(open), _) if c == open => quote = None,
            (None, ' ') => words.extend(word.take()),
            (None, '(' | ')' | '*' | '&' | ';' | '<' | '|' | '$' | '`') => {
                panic!("{line}: a shell reads {c} as its own")
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    assert_eq!(quote, None, "{line}: a quotation does not end");
    words.extend(word);
    words
}

/// Each example of a help, lines that go on joined.
fn examples(help: &str) -> Vec<Vec<String>> {
    let joined = help.replace("\\\n", "");
    joined
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| line.starts_with("forewarn "))
        .map(words)
        .collect()
}

#[test]
fn each_command_has_an_example_that_can_be_typed_as_it_stands() {
    let mut all = Vec::new();
    leaves(&Cli::command(), "forewarn", &mut all);
    assert!(all.len() > 35, "{all:?}");
    for (path, help) in &all {
        let own = examples(help);
        assert!(own.iter().any(|words| words.join(" ").starts_with(path)), "{path} has no example of its own: {help}");
        for words in own {
            if let Err(error) = Cli::try_parse_from(&words) {
                panic!("{path}: {words:?}: {error}");
            }
        }
    }
}

#[test]
fn examples_of_groups_can_be_typed_too() {
    for group in Cli::command().get_subcommands() {
        for words in examples(&group.get_after_help().map(ToString::to_string).unwrap_or_default()) {
            assert!(Cli::try_parse_from(&words).is_ok(), "{words:?}");
        }
    }
}

#[test]
fn no_example_is_broken_by_a_terminal_of_eighty_columns() {
    fn walk(command: &clap::Command) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in help.lines().filter(|line| line.starts_with("  ")) {
            assert!(line.len() <= WIDEST, "{}: {line}", command.get_name());
        }
        command.get_subcommands().for_each(walk);
    }
    walk(&Cli::command());
}

#[test]
fn a_number_that_cannot_be_is_told_with_what_it_may_be() {
    let told = |line: &str| Cli::try_parse_from(line.split(' ')).unwrap_err();
    for (line, wanted) in [
        ("forewarn detect a.jpg --threads 9999", "from 1 to 64"),
        ("forewarn detect a.jpg --threads 0", "from 1 to 64"),
        ("forewarn detect a.jpg --score 2", "from 0 to 1"),
        ("forewarn detect a.jpg --score nan", "from 0 to 1"),
        ("forewarn detect a.jpg --draw a.jpg", "ends with .png"),
        ("forewarn evidence export b --out c --threads 65", "from 1 to 64"),
        ("forewarn evaluate clips --min-overlap 1.5", "from 0 to 1"),
        ("forewarn models eval c f --score=-0.1", "from 0 to 1"),
        ("forewarn models eval c f --threads x", "from 1 to 64"),
        ("forewarn models bench c --runs 0", "from 1 to"),
        ("forewarn models bench c --threads 100", "from 1 to 64"),
        ("forewarn bench a.mp4 --frames 0", "from 1 to"),
        ("forewarn dataset export --config s --attribute a --out o --consent c --gap=-1", "from 0 to 86400"),
        ("forewarn dataset export --config s --attribute a --out o --consent c --max-crops 0", "from 1 to"),
    ] {
        let error = told(line);
        assert_eq!(error.exit_code(), 2, "{line}: {error}");
        assert!(error.to_string().contains(wanted), "{line}: {error}");
    }
}

#[test]
fn nothing_is_written_into_a_bundle_of_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let bundle = root.join("bundle");
    std::fs::create_dir(&bundle).unwrap();
    for mark in ["manifest.json", "incident.json"] {
        std::fs::write(bundle.join(mark), "{}").unwrap();
    }
    std::os::unix::fs::symlink(&bundle, root.join("link")).unwrap();
    let spoilt = |line: &str, out: &str| {
        let words = line.split(' ').map(str::to_owned).chain([root.join(out).display().to_string()]);
        Cli::try_parse_from(words).unwrap().command.bundle_to_be_spoilt()
    };
    let lines = [
        "forewarn evidence export b --out",
        "forewarn evidence report b --out",
        "forewarn snapshot --config s --out",
        "forewarn replay --config s --out",
        "forewarn rehearse --config s --camera c --out",
        "forewarn heatmap --config s --camera c --out",
        "forewarn index --config s --out",
        "forewarn feedback export --config s --out",
        "forewarn dataset export --config s --attribute a --consent c --out",
        "forewarn demo --out",
        "forewarn evaluate clips --save",
        "forewarn models eval c f --detections",
        "forewarn detect a.jpg --draw",
    ];
    for line in lines {
        for out in ["bundle/x.png", "bundle/in/x.png", "link/x.png"] {
            assert_eq!(spoilt(line, out).as_deref(), Some(bundle.as_path()), "{line} {out}");
        }
        assert_eq!(spoilt(line, "beside/x.png"), None, "{line}");
    }
}

#[test]
fn what_shows_people_is_for_its_owner_alone() {
    for (line, keeps) in [
        ("forewarn evidence report b --out r.html", true),
        ("forewarn evidence export b --out c", true),
        ("forewarn snapshot --config s --out o", true),
        ("forewarn detect a.jpg --draw a.png", true),
        ("forewarn run --config s", true),
        ("forewarn clip --config s --camera g --from 2026-11-30T08:00 --to 2026-11-30T08:01 -o c.mp4", true),
        ("forewarn rehearse --config s --camera g --out o", true),
        ("forewarn config set a.b 1 --config s", false),
        ("forewarn index --config s --out o", false),
    ] {
        assert_eq!(Cli::try_parse_from(line.split(' ')).unwrap().command.keeps_people(), keeps, "{line}");
    }
}

#[test]
fn a_moment_of_a_clip_is_the_sites_or_bears_its_offset() {
    let of = |text: &str| text.parse::<Moment>();
    let utc = of("2026-11-30T08:14:30Z").unwrap();
    assert!(matches!(utc, Moment::Exact(_)));
    assert_eq!(of("2026-11-30T16:14:30+08:00").unwrap(), utc);
    assert!(matches!(of("2026-11-30T08:14:30").unwrap(), Moment::AtSite(_)));
    assert!(matches!(of("2026-11-30T08:14").unwrap(), Moment::AtSite(_)));
    assert!(of("yesterday").is_err() && of("08:14").is_err());
}

#[test]
fn words_that_stay_on_record_say_something() {
    let dataset = "dataset export --config s --attribute a --out o";
    for (line, option) in [
        ("evidence hold i --config s", "--why="),
        ("evidence release i --config s --why x", "--who= "),
        ("evidence prune i --config s", "--why=…"),
        (dataset, "--consent="),
        (&format!("{dataset} --consent all"), "--purpose=-"),
    ] {
        let error = Cli::try_parse_from(["forewarn"].into_iter().chain(line.split(' ')).chain([option])).unwrap_err();
        assert!(error.to_string().contains("say something"), "{line} {option}: {error}");
    }
}

#[test]
fn a_text_of_which_nothing_is_heard_is_wrong_usage() {
    let of = |text| Cli::try_parse_from(["forewarn", "say", text, "--speaker", "horn", "--config", "s"]).map(|_| ());
    for text in ["", " ", "…"] {
        let error = of(text).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("nothing would be heard"), "{text:?}: {error}");
    }
    assert!(of("测试").is_ok());
}

#[test]
fn the_version_says_from_which_commit_and_with_what_it_was_built() {
    let told = |arg: &str| Cli::try_parse_from(["forewarn", arg]).unwrap_err().to_string();
    let short = told("-V");
    assert!(short.starts_with(concat!("forewarn ", env!("CARGO_PKG_VERSION"), " (")) && short.lines().count() == 1);
    let long = told("--version");
    assert!(long.contains("\ncommit:") && long.contains("\nfeatures:") && long.contains("openvino"), "{long}");
}

#[test]
fn a_terminal_speaks_the_language_of_its_locale() {
    let of = |set: &[(&str, &str)]| {
        let value = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        PageLanguage::of_locale(value)
    };
    assert_eq!(of(&[("LANG", "zh_CN.UTF-8")]), PageLanguage::Zh);
    assert_eq!(of(&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C")]), PageLanguage::En);
    assert_eq!(of(&[("LANG", "de_DE.UTF-8"), ("LC_MESSAGES", "zh_TW"), ("LC_ALL", "")]), PageLanguage::Zh);
    assert_eq!(of(&[]), PageLanguage::En);
}
