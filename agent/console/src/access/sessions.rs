//! Who is signed in. Pure: a session ends by the time that it is told.

use std::collections::BTreeMap;
use std::time::Duration;

use forewarn_domain::Timestamp;

use super::Role;
use super::random;
use super::reach::Reach;

/// A session ends after so long, whatever is done in it: a shift and what comes before and after.
pub(crate) const LONGEST: Duration = Duration::from_hours(16);
/// A session in which nothing was asked for so long has ended.
const IDLE: Duration = Duration::from_hours(4);
/// Sessions at a time; beyond that the one that was idle longest ends.
const MOST: usize = 256;

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// The account's name.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// The cameras that he reaches.
    pub cameras: Reach,
    /// What his page sends with whatever changes something, which no other page can know.
    pub csrf: String,
    began: Timestamp,
    asked: Timestamp,
}

/// The sessions by the fingerprint of their token.
#[derive(Debug, Default)]
pub(crate) struct Sessions(BTreeMap<String, Session>);

impl Sessions {
    /// Begins one. Its token, for the cookie, and what it is.
    pub(crate) fn begin(&mut self, name: &str, (role, cameras): (Role, Reach), now: Timestamp) -> (String, Session) {
        self.0.retain(|_, session| session.lasts(now));
        if self.0.len() >= MOST {
            let idlest = self.0.iter().min_by_key(|(_, session)| session.asked).map(|(token, _)| token.clone());
            idlest.map(|idlest| self.0.remove(&idlest));
        }
        let token = random::token();
        let session = Session { name: name.to_owned(), role, cameras, csrf: random::token(), began: now, asked: now };
        self.0.insert(random::fingerprint(&token), session.clone());
        (token, session)
    }

    /// The session of a token, which is not idle now.
    pub(crate) fn of(&mut self, token: &str, now: Timestamp) -> Option<Session> {
        let session = self.0.get_mut(&random::fingerprint(token)).filter(|session| session.lasts(now))?;
        session.asked = now;
        Some(session.clone())
    }

    /// Whether a token has a session, which is as idle as before.
    pub(crate) fn has(&self, token: &str, now: Timestamp) -> bool {
        self.0.get(&random::fingerprint(token)).is_some_and(|session| session.lasts(now))
    }

    /// Ends the session of a token.
    pub(crate) fn end(&mut self, token: &str) {
        self.0.remove(&random::fingerprint(token));
    }

    /// Ends all sessions of an account.
    pub(crate) fn end_all_of(&mut self, name: &str) {
        self.0.retain(|_, session| session.name != name);
    }
}

impl Session {
    /// What a program does that asks by a token; its pages need not prove that they are the console's own.
    pub(super) fn of_token(token: &str, (role, cameras): (Role, Reach), now: Timestamp) -> Self {
        Self { name: format!("token {token}"), role, cameras, csrf: String::new(), began: now, asked: now }
    }

    fn lasts(&self, now: Timestamp) -> bool {
        now.since(self.began) < LONGEST && now.since(self.asked) < IDLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_hours(hours)
    }

    #[test]
    fn a_session_ends_when_it_is_idle_when_it_is_old_and_when_it_is_ended() {
        let mut sessions = Sessions::default();
        let (token, session) = sessions.begin("ann", (Role::Viewer, Reach::ALL), at(0));
        assert!(sessions.of("another", at(0)).is_none());
        for hour in [3, 6, 9, 12, 15] {
            assert_eq!(sessions.of(&token, at(hour)).unwrap().csrf, session.csrf);
        }
        assert!(sessions.of(&token, at(16)).is_none(), "it is old");
        let (token, _) = sessions.begin("ann", (Role::Viewer, Reach::ALL), at(20));
        assert!(sessions.has(&token, at(23)) && !sessions.has(&token, at(24)), "it is no less idle for that");
        assert!(sessions.of(&token, at(24)).is_none(), "it was idle");
        let (token, _) = sessions.begin("ann", (Role::Viewer, Reach::ALL), at(30));
        let (other, _) = sessions.begin("bob", (Role::Viewer, Reach::ALL), at(30));
        sessions.end_all_of("ann");
        assert!(sessions.of(&token, at(30)).is_none() && sessions.of(&other, at(30)).is_some());
        sessions.end(&other);
        assert!(sessions.of(&other, at(30)).is_none());
    }

    #[test]
    fn sessions_fill_no_memory() {
        let mut sessions = Sessions::default();
        for _ in 0..MOST + 10 {
            sessions.begin("ann", (Role::Viewer, Reach::ALL), at(0));
        }
        assert_eq!(sessions.0.len(), MOST);
    }
}
