//! Who may ask: accounts, sessions, the link by which the console is set up, and how often somebody may try.

mod accounts;
mod attempts;
mod name;
mod password;
mod random;
mod reach;
mod role;
mod sessions;
mod tokens;
mod totp;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::{Clock, Timestamp};

pub(crate) use accounts::{Account, AccountError};
pub(crate) use password::PasswordError;
pub(crate) use random::token;
pub(crate) use reach::{Reach, ReachError};
pub(crate) use role::Role;
pub(crate) use sessions::{LONGEST, Session};
#[cfg(test)]
pub(crate) use tokens::SUBJECTS;
pub(crate) use tokens::{Token, TokenError, Wanted as WantedToken};
#[cfg(test)]
pub(crate) use totp::code_for_tests as totp_for_tests;
pub(crate) use totp::new_secret;

use accounts::Accounts;
use attempts::Attempts;
use sessions::Sessions;
use tokens::Tokens;

/// Whoever signs in by a link without an account is called so.
const GUEST: &str = "demo";

/// Nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    /// Name or password.
    #[error("the name or the password is wrong")]
    Wrong,
    /// The password is right, and no code was given.
    #[error("this account also asks for the code that the authenticator app shows")]
    NoCode,
    /// The code is none of now.
    #[error(
        "the code is wrong, was used, or has ended; wait for the next, and look at the clocks of telephone and box"
    )]
    WrongCode,
    /// He has failed too often.
    #[error("too many attempts failed; try again in {} s", .0.as_secs() + 1)]
    Wait(Duration),
    /// The link.
    #[error("this link was used, or is of an earlier start of the agent; the agent prints a new one when it starts")]
    Link,
    /// The account.
    #[error(transparent)]
    Account(#[from] AccountError),
}

/// What is kept of accounts and tokens cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The accounts.
    #[error(transparent)]
    Accounts(#[from] AccountError),
    /// The tokens.
    #[error(transparent)]
    Tokens(#[from] TokenError),
}

/// What is known now.
#[derive(Debug)]
struct State {
    accounts: Accounts,
    tokens: Tokens,
    sessions: Sessions,
    attempts: Attempts,
    /// The step of time of the last code of each account, which is not taken twice.
    used: BTreeMap<String, u64>,
    /// The fingerprint of the token by which the first account is made; none once there is one.
    set_up: Option<String>,
    /// The fingerprint of the token by which a guest signs in.
    guest: Option<String>,
}

/// Who may ask. Clones share it.
#[derive(Clone)]
pub(crate) struct Access {
    state: Arc<Mutex<State>>,
    /// Hashing takes 19 MiB and a while, so it is done for one at a time.
    hashing: Arc<Mutex<()>>,
    clock: Arc<dyn Clock>,
}

impl Access {
    /// The accounts of a file, and the tokens of another.
    pub(crate) fn open(path: &Path, tokens: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let (sessions, attempts) = (Sessions::default(), Attempts::default());
        let (accounts, tokens) = (Accounts::read(path)?, Tokens::read(tokens)?);
        let state = State { accounts, tokens, sessions, attempts, used: BTreeMap::new(), set_up: None, guest: None };
        Ok(Self { state: Arc::new(Mutex::new(state)), hashing: Arc::default(), clock })
    }

    /// A token by which the first account can be made, once; none if there is an account.
    pub(crate) fn new_set_up(&self) -> Option<String> {
        let mut state = lock(&self.state);
        if !state.accounts.all().is_empty() {
            return None;
        }
        let token = random::token();
        state.set_up = Some(random::fingerprint(&token));
        Some(token)
    }

    /// A token by which somebody signs in without an account, as often as he likes, until the agent stops.
    pub(crate) fn new_guest(&self) -> String {
        let token = random::token();
        lock(&self.state).guest = Some(random::fingerprint(&token));
        token
    }

    /// Whether there is no account yet.
    pub(crate) fn is_new(&self) -> bool {
        let state = lock(&self.state);
        state.accounts.all().is_empty() && state.guest.is_none()
    }

    /// Makes the first account, and signs it in.
    pub(crate) fn set_up(&self, token: &str, name: &str, password: &str) -> Result<(String, Session), SignInError> {
        let _one = lock(&self.hashing);
        let now = self.clock.now();
        let mut state = lock(&self.state);
        if state.set_up.as_deref() != Some(random::fingerprint(token).as_str()) {
            return Err(SignInError::Link);
        }
        let at = self.clock.wall(now).to_rfc3339();
        state.accounts.add(name, (Role::Admin, Reach::ALL), password, at)?;
        state.set_up = None;
        Ok(state.sessions.begin(name, (Role::Admin, Reach::ALL), now))
    }

    /// Signs a guest in.
    pub(crate) fn sign_in_by_link(&self, token: &str) -> Result<(String, Session), SignInError> {
        let mut state = lock(&self.state);
        if state.guest.as_deref() != Some(random::fingerprint(token).as_str()) {
            return Err(SignInError::Link);
        }
        Ok(state.sessions.begin(GUEST, (Role::Admin, Reach::ALL), self.clock.now()))
    }

    /// Signs somebody in by name and password, and the code of his app where the account asks for one.
    pub(crate) fn sign_in(
        &self,
        name: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<(String, Session), SignInError> {
        let account = self.check_password(name, password)?;
        let now = self.clock.now();
        let mut state = lock(&self.state);
        if let Some(secret) = &account.totp {
            let code = code.filter(|code| !code.is_empty()).ok_or(SignInError::NoCode)?;
            let Some(step) = totp::step_of(secret, code, self.seconds(now), state.used.get(name).copied()) else {
                state.attempts.failed(name, now);
                return Err(SignInError::WrongCode);
            };
            state.used.insert(name.to_owned(), step);
        }
        state.attempts.succeeded(name);
        Ok(state.sessions.begin(&account.name, (account.role, account.cameras), now))
    }

    /// Seconds since the Unix epoch, as the clock on the wall shows them.
    fn seconds(&self, now: Timestamp) -> u64 {
        u64::try_from(self.clock.wall(now).as_micros() / 1_000_000).unwrap_or_default()
    }

    /// Whether the password is that of the account.
    pub(crate) fn check_password(&self, name: &str, password: &str) -> Result<Account, SignInError> {
        let _one = lock(&self.hashing);
        let wait = lock(&self.state).attempts.wait(name, self.clock.now());
        wait.map_or(Ok(()), |wait| Err(SignInError::Wait(wait)))?;
        let account = lock(&self.state).accounts.get(name).cloned();
        let is_right = password::is_right(password, account.as_ref().map(|account| account.password.as_str()));
        let now = self.clock.now();
        let mut state = lock(&self.state);
        account.filter(|_| is_right).ok_or_else(|| {
            state.attempts.failed(name, now);
            SignInError::Wrong
        })
    }

    /// Has an account ask for the codes of a secret, one of which is given; the password shows who asks.
    pub(crate) fn set_totp(&self, name: &str, password: &str, (secret, code): (&str, &str)) -> Result<(), SignInError> {
        self.check_password(name, password)?;
        let mut state = lock(&self.state);
        let now_s = self.seconds(self.clock.now());
        let step = totp::step_of(secret, code, now_s, None).ok_or(SignInError::WrongCode)?;
        state.accounts.set_totp(name, Some(secret.to_owned()))?;
        state.used.insert(name.to_owned(), step);
        state.attempts.succeeded(name);
        Ok(())
    }

    /// Has an account ask for a password alone.
    pub(crate) fn remove_totp(&self, name: &str) -> Result<(), AccountError> {
        lock(&self.state).accounts.set_totp(name, None)
    }

    /// The session of a token.
    pub(crate) fn session(&self, token: &str) -> Option<Session> {
        lock(&self.state).sessions.of(token, self.clock.now())
    }

    /// Whether a token has a session; nothing is asked by that.
    pub(crate) fn has_session(&self, token: &str) -> bool {
        lock(&self.state).sessions.has(token, self.clock.now())
    }

    /// Ends the session of a token.
    pub(crate) fn sign_out(&self, token: &str) {
        lock(&self.state).sessions.end(token);
    }

    /// The token that a program asks by, unless it has ended.
    pub(crate) fn token(&self, secret: &str) -> Option<Token> {
        lock(&self.state).tokens.of(secret, self.clock.wall(self.clock.now())).cloned()
    }

    /// All tokens.
    pub(crate) fn tokens(&self) -> Vec<Token> {
        lock(&self.state).tokens.all().to_vec()
    }

    /// Makes a token. What it is, which is told once.
    pub(crate) fn add_token(&self, wanted: WantedToken, made_by: &str) -> Result<String, TokenError> {
        lock(&self.state).tokens.add(wanted, made_by, self.clock.wall(self.clock.now()))
    }

    /// Deletes a token; nothing can be asked by it from now on.
    pub(crate) fn remove_token(&self, name: &str) -> Result<(), TokenError> {
        lock(&self.state).tokens.remove(name)
    }

    /// The session of whoever asks by a token.
    pub(crate) fn session_of(&self, token: &Token) -> Session {
        Session::of_token(&token.name, (token.role, token.cameras.clone()), self.clock.now())
    }

    /// All accounts.
    pub(crate) fn accounts(&self) -> Vec<Account> {
        lock(&self.state).accounts.all().to_vec()
    }

    /// Makes an account.
    pub(crate) fn add(&self, name: &str, of: (Role, Reach), password: &str) -> Result<(), AccountError> {
        let _one = lock(&self.hashing);
        let at = self.clock.wall(self.clock.now()).to_rfc3339();
        lock(&self.state).accounts.add(name, of, password, at)
    }

    /// Has an account reach these cameras alone; its sessions end, so that nobody goes on looking at others.
    pub(crate) fn set_cameras(&self, name: &str, cameras: Reach) -> Result<(), AccountError> {
        let mut state = lock(&self.state);
        state.accounts.set_cameras(name, cameras)?;
        state.sessions.end_all_of(name);
        Ok(())
    }

    /// Gives an account another password; its sessions end.
    pub(crate) fn set_password(&self, name: &str, password: &str) -> Result<(), AccountError> {
        let _one = lock(&self.hashing);
        let mut state = lock(&self.state);
        state.accounts.set_password(name, password)?;
        state.sessions.end_all_of(name);
        Ok(())
    }

    /// Deletes an account; its sessions end, and so do the tokens that it made.
    pub(crate) fn remove(&self, name: &str) -> Result<(), OpenError> {
        let mut state = lock(&self.state);
        state.accounts.remove(name)?;
        state.tokens.remove_all_of(name)?;
        state.sessions.end_all_of(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::SystemClock;

    use super::*;

    #[test]
    fn a_set_up_link_makes_one_account_and_only_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("accounts.json");
        let access = Access::open(&path, &dir.path().join("tokens.json"), Arc::new(SystemClock)).unwrap();
        assert!(access.is_new());
        let former = access.new_set_up().unwrap();
        let token = access.new_set_up().unwrap();
        assert!(access.set_up(&former, "ann", "three wise words").is_err(), "a later link takes its place");
        assert!(access.set_up(&token, "ann", "short").is_err(), "the link outlives a mistake");
        let (cookie, session) = access.set_up(&token, "ann", "three wise words").unwrap();
        assert_eq!((session.role, access.session(&cookie).unwrap().name), (Role::Admin, "ann".to_owned()));
        assert!(access.set_up(&token, "eve", "three wise words").is_err());
        assert!(access.new_set_up().is_none() && !access.is_new());
        assert!(access.sign_in("ann", "three wise words", None).is_ok());
        access.set_password("ann", "four other wise words").unwrap();
        assert!(access.session(&cookie).is_none(), "other sessions end with the password");
    }

    #[test]
    fn a_guest_signs_in_by_its_link_alone() {
        let dir = tempfile::tempdir().unwrap();
        let access =
            Access::open(&dir.path().join("a.json"), &dir.path().join("t.json"), Arc::new(SystemClock)).unwrap();
        assert!(access.sign_in_by_link("").is_err());
        let token = access.new_guest();
        assert!(access.sign_in_by_link(&token).is_ok() && access.sign_in_by_link(&token).is_ok());
        assert!(access.accounts().is_empty() && access.sign_in(GUEST, "", None).is_err());
    }

    #[test]
    fn whoever_guesses_must_wait() {
        let dir = tempfile::tempdir().unwrap();
        let access =
            Access::open(&dir.path().join("a.json"), &dir.path().join("t.json"), Arc::new(SystemClock)).unwrap();
        for _ in 0..5 {
            assert!(matches!(access.sign_in("ann", "guess", None), Err(SignInError::Wrong)));
        }
        assert!(matches!(access.sign_in("ann", "guess", None), Err(SignInError::Wait(_))));
    }
}
