//! HTTP digest authentication, answered (RFC 7616; RFC 2617 where the device names no `qop`), MD5 and SHA-256.

use md5::Md5;
use sha2::{Digest as _, Sha256};

use crate::hash::hex;
use crate::random::random;
use crate::secret::Credentials;

/// What the other side asks for before it does as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    is_sha256: bool,
    has_qop: bool,
}

/// What the headers `WWW-Authenticate` of an answer ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Digest, in a way that is known.
    Digest(Challenge),
    /// The password as it is.
    Basic,
    /// Something else, in its own words.
    Other(String),
}

/// The best that is asked for.
pub fn asked<'a>(headers: impl Iterator<Item = &'a str>) -> Asked {
    let headers: Vec<&str> = headers.collect();
    let mut digests: Vec<Challenge> = headers.iter().filter_map(|header| Challenge::parse(header)).collect();
    digests.sort_by_key(|challenge| challenge.is_sha256);
    if let Some(best) = digests.pop() {
        return Asked::Digest(best);
    }
    let has_basic = headers.iter().any(|header| header.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("basic")));
    if has_basic { Asked::Basic } else { Asked::Other(headers.join("; ")) }
}

impl Challenge {
    fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let parameters = parameters(rest);
        let value = |key: &str| parameters.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        let is_sha256 = match value("algorithm").unwrap_or_else(|| "MD5".to_owned()).to_ascii_uppercase().as_str() {
            "MD5" => false,
            "SHA-256" => true,
            _ => return None,
        };
        let qop = value("qop");
        let has_qop = qop.is_some();
        if qop.is_some_and(|qop| !qop.split(',').any(|one| one.trim().eq_ignore_ascii_case("auth"))) {
            return None;
        }
        let (realm, nonce) = (value("realm")?, value("nonce")?);
        Some(Self { realm, nonce, opaque: value("opaque"), is_sha256, has_qop })
    }

    /// The header `Authorization` for one request.
    pub fn answer(&self, login: &Credentials, method: &str, uri: &str) -> String {
        self.answer_with(login, method, uri, &format!("{:016x}", random()))
    }

    fn answer_with(&self, login: &Credentials, method: &str, uri: &str, cnonce: &str) -> String {
        let Self { realm, nonce, .. } = self;
        let user = &login.user;
        let secret = self.hash(&format!("{user}:{realm}:{}", login.password.expose()));
        let what = self.hash(&format!("{method}:{uri}"));
        // Each challenge is answered once, so the count is always the first.
        let response = if self.has_qop {
            self.hash(&format!("{secret}:{nonce}:00000001:{cnonce}:auth:{what}"))
        } else {
            self.hash(&format!("{secret}:{nonce}:{what}"))
        };
        let algorithm = if self.is_sha256 { "SHA-256" } else { "MD5" };
        let mut header = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", response=\"{response}\", \
             algorithm={algorithm}",
            quoted(user),
            quoted(realm),
            quoted(nonce)
        );
        if self.has_qop {
            header = format!("{header}, qop=auth, nc=00000001, cnonce=\"{cnonce}\"");
        }
        if let Some(opaque) = &self.opaque {
            header = format!("{header}, opaque=\"{}\"", quoted(opaque));
        }
        header
    }

    fn hash(&self, text: &str) -> String {
        if self.is_sha256 { hex(&Sha256::digest(text)) } else { hex(&Md5::digest(text)) }
    }
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// `name=value` and `name="value"`, separated by commas.
fn parameters(text: &str) -> Vec<(String, String)> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([',', ' ', '\t']).to_ascii_lowercase();
        let mut value = String::new();
        let after = after.trim_start();
        let mut chars = after.char_indices();
        let end = if after.starts_with('"') {
            chars.next();
            let mut is_escaped = false;
            chars.find_map(|(at, c)| match c {
                '"' if !is_escaped => Some(at + 1),
                '\\' if !is_escaped => {
                    is_escaped = true;
                    None
                }
                c => {
                    value.push(c);
                    is_escaped = false;
                    None
                }
            })
        } else {
            let end = after.find(',').unwrap_or(after.len());
            after[..end].trim().clone_into(&mut value);
            Some(end)
        };
        found.push((name, value));
        rest = end.and_then(|end| after.get(end..)).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7616, section 3.9.1, and of RFC 2617, section 3.5.
    #[test]
    fn the_examples_of_the_standards_come_out() {
        let mufasa = |password: &str| Credentials::new("Mufasa", password);
        let nonce = "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
        let ask = |algorithm: &str| {
            format!("Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, {nonce}")
        };
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (algorithm, response) in [
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ] {
            let header = ask(algorithm);
            let Asked::Digest(challenge) = asked([header.as_str()].into_iter()) else { panic!("{header}") };
            let answer = challenge.answer_with(&mufasa("Circle of Life"), "GET", "/dir/index.html", cnonce);
            assert!(answer.contains(&format!("response=\"{response}\"")), "{answer}");
            assert!(answer.contains("opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""), "{answer}");
        }
        let old =
            "Digest realm=\"testrealm@host.com\",qop=\"auth,auth-int\",nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"";
        let Asked::Digest(challenge) = asked([old].into_iter()) else { panic!("no digest") };
        let answer = challenge.answer_with(&mufasa("Circle Of Life"), "GET", "/dir/index.html", "0a4f113b");
        assert!(answer.contains("response=\"6629fae49393a05397450978507c4ef1\""), "{answer}");
    }

    #[test]
    fn the_strongest_known_is_taken_and_the_rest_is_told_apart() {
        let md5 = "Digest realm=\"a \\\"b\\\", c\", nonce=x";
        let both = [md5, "Basic realm=\"r\"", "Digest realm=\"r\", nonce=\"y\", algorithm=SHA-256, qop=auth"];
        let Asked::Digest(best) = asked(both.into_iter()) else { panic!("no digest") };
        assert!(best.is_sha256 && best.nonce == "y");
        let Asked::Digest(plain) = asked([md5].into_iter()) else { panic!("no digest") };
        assert_eq!((plain.realm.as_str(), plain.has_qop), ("a \"b\", c", false));
        assert_eq!(asked(["basic realm=\"r\""].into_iter()), Asked::Basic);
        let odd = "Digest realm=\"r\", nonce=\"y\", algorithm=SHA-512-256";
        assert_eq!(asked([odd].into_iter()), Asked::Other(odd.to_owned()));
    }
}
