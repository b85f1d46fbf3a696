//! Against SoftHSM, a real PKCS #11 module. It reads its settings from the environment once, so each test goes on in a
//! process of its own, with tokens of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use forewarn_base::secret::Secret;
use forewarn_domain::KeyToken as _;

use super::Pkcs11Key;

/// Where Debian puts it.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const CONF: &str = "SOFTHSM2_CONF";
const PIN: &str = "648219";

/// The folder in which tokens lie, one of them by the label of `box`.
struct Tokens(PathBuf);

/// Runs `body` where there is a token; `name` is that of the test.
fn with_tokens(name: &str, body: impl FnOnce(&Tokens)) {
    if let Some(conf) = std::env::var_os(CONF) {
        return body(&Tokens(Path::new(&conf).with_file_name("tokens")));
    }
    let dir = tempfile::tempdir().unwrap();
    let conf = dir.path().join("softhsm2.conf");
    fs::create_dir(dir.path().join("tokens")).unwrap();
    let tokens = dir.path().join("tokens");
    fs::write(&conf, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
    let mut init = Command::new("softhsm2-util");
    init.args(["--init-token", "--free", "--label", "box", "--pin", PIN, "--so-pin", "5678"]).env(CONF, &conf);
    assert!(init.output().expect("softhsm2-util runs; `cargo xtask setup` installs it").status.success());
    let mut test = Command::new(std::env::current_exe().unwrap());
    let ended =
        test.args(["--exact", &format!("token::tests::{name}"), "--nocapture"]).env(CONF, &conf).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&ended.stderr));
}

fn key(uri: &str, pin: &str) -> Pkcs11Key {
    Pkcs11Key::new(MODULE.into(), uri.parse().unwrap(), &Secret::new(pin))
}

impl Tokens {
    /// Puts a key of `openssl` into the token.
    fn import(&self, algorithm: &[&str], label: &str, id: &str) {
        let file = self.0.with_file_name(format!("{label}-{id}.pem"));
        let mut make = Command::new("openssl");
        assert!(make.arg("genpkey").args(algorithm).arg("-out").arg(&file).output().unwrap().status.success());
        let mut import = Command::new("softhsm2-util");
        import.arg("--import").arg(&file).args(["--token", "box", "--pin", PIN, "--label", label, "--id", id]);
        let ended = import.output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }

    fn pull_out(&self) {
        fs::rename(&self.0, self.0.with_extension("away")).unwrap();
        fs::create_dir(&self.0).unwrap();
    }

    fn plug_in(&self) {
        fs::remove_dir(&self.0).unwrap();
        fs::rename(self.0.with_extension("away"), &self.0).unwrap();
    }
}

#[test]
fn a_key_is_made_once_and_signs_what_openssl_verifies() {
    with_tokens("a_key_is_made_once_and_signs_what_openssl_verifies", |tokens| {
        let key = key("pkcs11:token=box;object=seal", PIN);
        assert!(key.public().unwrap_err().message.contains("`forewarn key init` makes it"));
        key.make().unwrap();
        assert!(key.make().unwrap_err().message.contains("already"));
        let (public, signature) = (key.public().unwrap(), key.sign(b"manifest").unwrap());
        let file = |name: &str| tokens.0.with_file_name(name);
        let head = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        fs::write(file("public.der"), [&head[..], &public].concat()).unwrap();
        fs::write(file("signature"), signature).unwrap();
        let verified = |text: &str| {
            fs::write(file("text"), text).unwrap();
            let mut openssl = Command::new("openssl");
            openssl.args(["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin", "-inkey"]);
            openssl.arg(file("public.der")).arg("-in").arg(file("text")).arg("-sigfile").arg(file("signature"));
            openssl.output().unwrap().status.success()
        };
        assert!(verified("manifest") && !verified("manifesT"));
    });
}

#[test]
fn a_token_that_was_pulled_out_signs_again_when_it_is_back() {
    with_tokens("a_token_that_was_pulled_out_signs_again_when_it_is_back", |tokens| {
        let key = key("pkcs11:token=box;object=seal", PIN);
        tokens.pull_out();
        assert!(key.public().unwrap_err().message.contains("no token fits pkcs11:token=box;object=seal; plug it in"));
        tokens.plug_in();
        key.make().unwrap();
        let before = key.sign(b"seal").unwrap();
        tokens.pull_out();
        assert!(key.sign(b"seal").unwrap_err().message.contains("no token fits"));
        tokens.plug_in();
        // Ed25519 signs the same bytes in the same way.
        assert_eq!(key.sign(b"seal").unwrap(), before);
    });
}

#[test]
fn a_wrong_pin_is_shown_to_the_token_once() {
    with_tokens("a_wrong_pin_is_shown_to_the_token_once", |_| {
        let (right, wrong) = (key("pkcs11:token=box;object=seal", PIN), key("pkcs11:token=box;object=seal", "111111"));
        right.make().unwrap();
        assert!(wrong.public().unwrap_err().message.contains("refuses the PIN"));
        // The PIN becomes right; who was refused does not find out, as he does not try.
        let mut change = Command::new("softhsm2-util");
        change.args(["--init-token", "--token", "box", "--label", "box", "--pin", "111111", "--so-pin", "5678"]);
        assert!(change.output().unwrap().status.success());
        assert!(wrong.sign(b"seal").unwrap_err().message.contains("refuses the PIN"));
        assert!(key("pkcs11:token=box;object=seal", "111111").public().unwrap_err().message.contains("no private key"));
    });
}

#[test]
fn a_name_that_fits_two_keys_or_a_key_of_another_type_is_told() {
    with_tokens("a_name_that_fits_two_keys_or_a_key_of_another_type_is_told", |tokens| {
        let ed25519 = ["-algorithm", "ed25519"];
        tokens.import(&ed25519, "seal", "01");
        tokens.import(&["-algorithm", "rsa"], "seal", "03");
        let named = key("pkcs11:token=box;object=seal", PIN);
        let first = named.public().unwrap();
        tokens.import(&ed25519, "seal", "02");
        assert!(named.sign(b"").unwrap_err().message.contains("2 private Ed25519 keys"));
        assert!(named.make().unwrap_err().message.contains("2 private Ed25519 keys"));
        assert_eq!(key("pkcs11:token=box;object=seal;id=%01", PIN).public().unwrap(), first);
        assert_ne!(key("pkcs11:token=box;id=%02", PIN).public().unwrap(), first);
        tokens.import(&["-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "tls", "04");
        let of = |uri: &str| key(uri, PIN).public().unwrap_err().message;
        assert!(of("pkcs11:token=box;object=tls").contains("is of type EC;"), "{}", of("pkcs11:token=box;object=tls"));
        assert!(of("pkcs11:token=box;id=%03").contains("is of type RSA;"));
        assert!(of("pkcs11:token=other;object=seal").contains("no token fits"));
        let nowhere =
            Pkcs11Key::new("nowhere.so".into(), "pkcs11:token=b;object=s".parse().unwrap(), &Secret::new(PIN));
        assert!(nowhere.public().unwrap_err().message.contains("failed to load nowhere.so"));
    });
}
