//! A folder of clips with truth files: found and checked ([`folder`], [`truth_file`]), played and judged ([`run`]).

pub mod folder;
pub mod run;
mod truth_file;
