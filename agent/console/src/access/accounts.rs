//! The accounts, in one file of the storage directory that only the agent's user may read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::durable;
use serde::{Deserialize, Serialize};

use super::Role;
use super::name::{LONGEST_NAME, is_name};
use super::password::{self, PasswordError};
use super::reach::{Reach, ReachError};

/// Accounts at most: a site has a shift or two, no town.
const MOST: usize = 500;

/// Something about an account cannot be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    /// The file.
    #[error("failed to {what} {}: {source}", path.display())]
    File { what: &'static str, path: PathBuf, source: io::Error },
    /// What stands in it.
    #[error("failed to read {}: {source}; fix it, or delete it to set the console up anew", path.display())]
    Damaged { path: PathBuf, source: serde_json::Error },
    /// The name.
    #[error(
        "a name has 1 to {LONGEST_NAME} Latin letters, figures, `.`, `-` or `_`, and begins with a letter or a figure"
    )]
    Name,
    /// It is taken.
    #[error("there is an account {0} already")]
    Taken(String),
    /// It is not there.
    #[error("there is no account {0}")]
    Unknown(String),
    /// Nobody could say who may do what any more.
    #[error("{0} is the last account with the role admin; make another one first")]
    LastAdmin(String),
    /// The cameras.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// Too many.
    #[error("there are {MOST} accounts already; delete one first")]
    TooMany,
    /// The password.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    /// The name by which somebody signs in.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// What is kept of the password.
    pub password: String,
    /// When it was made, RFC 3339 in UTC.
    pub created_at: String,
    /// The secret of the authenticator app whose code it asks for; none for one that asks for a password alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp: Option<String>,
    /// The cameras that he reaches.
    #[serde(default, skip_serializing_if = "Reach::is_all")]
    pub cameras: Reach,
}

/// The content of the file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    accounts: Vec<Account>,
}

/// The accounts as they stand in their file.
#[derive(Debug)]
pub(crate) struct Accounts {
    path: PathBuf,
    list: Vec<Account>,
}

impl Accounts {
    /// Reads them; there are none where there is no file.
    pub(crate) fn read(path: &Path) -> Result<Self, AccountError> {
        let content = match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|source| AccountError::Damaged { path: path.to_owned(), source })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Content::default(),
            Err(source) => return Err(AccountError::File { what: "read", path: path.to_owned(), source }),
        };
        Ok(Self { path: path.to_owned(), list: content.accounts })
    }

    pub(crate) fn all(&self) -> &[Account] {
        &self.list
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Account> {
        self.list.iter().find(|account| account.name == name)
    }

    /// Makes one.
    pub(crate) fn add(
        &mut self,
        name: &str,
        (role, cameras): (Role, Reach),
        password: &str,
        at: String,
    ) -> Result<(), AccountError> {
        if !is_name(name) {
            return Err(AccountError::Name);
        }
        if self.get(name).is_some() {
            return Err(AccountError::Taken(name.to_owned()));
        }
        if self.list.len() >= MOST {
            return Err(AccountError::TooMany);
        }
        cameras.check(role)?;
        let password = password::hash(password)?;
        let mut list = self.list.clone();
        list.push(Account { name: name.to_owned(), role, password, created_at: at, totp: None, cameras });
        self.keep(list)
    }

    /// Gives one another password.
    pub(crate) fn set_password(&mut self, name: &str, password: &str) -> Result<(), AccountError> {
        let mut list = self.list.clone();
        let account = list.iter_mut().find(|account| account.name == name);
        account.ok_or_else(|| AccountError::Unknown(name.to_owned()))?.password = password::hash(password)?;
        self.keep(list)
    }

    /// Has one ask for the codes of this secret from now on, or for none.
    pub(crate) fn set_totp(&mut self, name: &str, secret: Option<String>) -> Result<(), AccountError> {
        let mut list = self.list.clone();
        let account = list.iter_mut().find(|account| account.name == name);
        account.ok_or_else(|| AccountError::Unknown(name.to_owned()))?.totp = secret;
        self.keep(list)
    }

    /// Has one reach these cameras from now on.
    pub(crate) fn set_cameras(&mut self, name: &str, cameras: Reach) -> Result<(), AccountError> {
        let mut list = self.list.clone();
        let account = list.iter_mut().find(|account| account.name == name);
        let account = account.ok_or_else(|| AccountError::Unknown(name.to_owned()))?;
        cameras.check(account.role)?;
        account.cameras = cameras;
        self.keep(list)
    }

    /// Deletes one.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), AccountError> {
        let role = self.get(name).ok_or_else(|| AccountError::Unknown(name.to_owned()))?.role;
        if role == Role::Admin && self.list.iter().filter(|account| account.role == Role::Admin).count() == 1 {
            return Err(AccountError::LastAdmin(name.to_owned()));
        }
        let left = self.list.iter().filter(|account| account.name != name).cloned().collect();
        self.keep(left)
    }

    fn keep(&mut self, list: Vec<Account>) -> Result<(), AccountError> {
        let content = Content { accounts: list };
        let written = serde_json::to_vec_pretty(&content).map_err(io::Error::from);
        written.and_then(|bytes| durable::replace(&self.path, &bytes)).map_err(|source| AccountError::File {
            what: "write",
            path: self.path.clone(),
            source,
        })?;
        self.list = content.accounts;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn accounts_outlive_a_restart_and_the_last_admin_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("accounts.json");
        let mut accounts = Accounts::read(&path).unwrap();
        accounts.add("ann", (Role::Admin, Reach::ALL), "three wise words", String::new()).unwrap();
        accounts.add("李雷", (Role::Viewer, Reach::ALL), "four wise words here", String::new()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let mut accounts = Accounts::read(&path).unwrap();
        assert_eq!(accounts.get("李雷").unwrap().role, Role::Viewer);
        let refusals = [
            accounts.add("ann", (Role::Viewer, Reach::ALL), "three wise words", String::new()),
            accounts.add("a/b", (Role::Viewer, Reach::ALL), "three wise words", String::new()),
            accounts.add("..", (Role::Viewer, Reach::ALL), "three wise words", String::new()),
            accounts.add("bob", (Role::Viewer, Reach::ALL), "short", String::new()),
            accounts.remove("ann"),
            accounts.remove("bob"),
        ];
        assert!(refusals.iter().all(Result::is_err), "{refusals:?}");
        let before = accounts.get("ann").unwrap().password.clone();
        accounts.set_password("ann", "five other wise words").unwrap();
        assert_ne!(accounts.get("ann").unwrap().password, before);
        accounts.remove("李雷").unwrap();
        assert_eq!(Accounts::read(&path).unwrap().all().len(), 1);
        let gate: Reach = serde_json::from_str(r#"["gate"]"#).unwrap();
        let none: Reach = serde_json::from_str("[]").unwrap();
        accounts.add("guard", (Role::Operator, gate.clone()), "three wise words", String::new()).unwrap();
        assert_eq!(Accounts::read(&path).unwrap().get("guard").unwrap().cameras, gate);
        assert!(matches!(
            accounts.set_cameras("ann", gate.clone()),
            Err(AccountError::Reach(ReachError::LimitedAdmin))
        ));
        assert!(matches!(accounts.set_cameras("guard", none), Err(AccountError::Reach(ReachError::NoCamera))));
        assert!(accounts.add("boss", (Role::Admin, gate), "three wise words", String::new()).is_err());
        accounts.set_cameras("guard", Reach::ALL).unwrap();
        assert!(!fs::read_to_string(&path).unwrap().contains("cameras"));
        fs::write(&path, "{").unwrap();
        assert!(Accounts::read(&path).unwrap_err().to_string().contains("set the console up anew"));
    }
}
