//! A folder of clips with truth files: found and checked ([`folder`]), played and judged ([`run`]).

pub mod folder;
pub mod run;
