//! The bill of materials in CycloneDX 1.5: which packages are in the program, under which licence, with which hash.

use anyhow::Result;
use serde_json::{Value, json};

use super::Release;
use super::locked::Locked;

/// The bill, the same for the same `Cargo.lock`.
pub(super) fn of_materials(release: &Release, packages: &[Locked]) -> Result<String> {
    let (program, parts): (Vec<_>, Vec<_>) = packages.iter().partition(|package| package.name == "forewarn");
    let purl = |name: &str, version: &str| format!("pkg:cargo/{name}@{version}");
    let component = |package: &&Locked| {
        let mut value = json!({
            "type": if package.name == "forewarn" { "application" } else { "library" },
            "bom-ref": purl(&package.name, &package.version),
            "name": package.name,
            "version": package.version,
            "licenses": [{ "expression": package.licence }],
        });
        if let Some(sha256) = &package.sha256 {
            value["hashes"] = json!([{ "alg": "SHA-256", "content": sha256 }]);
            value["purl"] = json!(purl(&package.name, &package.version));
        }
        value
    };
    let dependencies: Vec<Value> = packages
        .iter()
        .map(|package| {
            let needs: Vec<String> = package.needs.iter().map(|(name, version)| purl(name, version)).collect();
            json!({ "ref": purl(&package.name, &package.version), "dependsOn": needs })
        })
        .collect();
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": program.first().map(component),
            "properties": [
                { "name": "forewarn:commit", "value": release.commit },
                { "name": "forewarn:architecture", "value": release.architecture },
            ],
        },
        "components": parts.iter().map(component).collect::<Vec<_>>(),
        "dependencies": dependencies,
    });
    Ok(serde_json::to_string_pretty(&bill)? + "\n")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn each_part_is_named_with_its_licence_and_hash_and_what_it_needs() {
        let package = |name: &str, sha256: Option<&str>, needs: &[&str]| Locked {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: "MIT OR Apache-2.0".to_owned(),
            is_ours: sha256.is_none(),
            sha256: sha256.map(str::to_owned),
            folder: PathBuf::new(),
            needs: needs.iter().map(|name| ((*name).to_owned(), "1.0.0".to_owned())).collect(),
        };
        let release = Release {
            version: "1.0.0".to_owned(),
            architecture: "amd64".to_owned(),
            commit: "abc".to_owned(),
            made_at: 0,
            out: PathBuf::new(),
        };
        let text = of_materials(&release, &[package("forewarn", None, &["url"]), package("url", Some("ab12"), &[])]);
        let bill: Value = serde_json::from_str(&text.unwrap()).unwrap();
        assert_eq!(bill["metadata"]["component"]["name"], "forewarn");
        let part = &bill["components"][0];
        assert_eq!(part["purl"], "pkg:cargo/url@1.0.0");
        assert_eq!(part["hashes"][0]["content"], "ab12");
        assert_eq!(part["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(bill["dependencies"][0]["dependsOn"][0], part["bom-ref"]);
    }
}
