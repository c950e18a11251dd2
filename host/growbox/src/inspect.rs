//! `growbox plugin inspect FILE.wasm`: what a plug-in says of itself, before anybody trusts it.

use std::path::Path;
use std::process::ExitCode;

use growbox_runtime::{Loaded, Loader};
use serde_json::json;

use crate::cli::Exit;

/// Memory `describe` may use.
const MEMORY_BYTES: u64 = 64 << 20;

/// Carries out `growbox plugin inspect FILE.wasm`.
pub fn inspect(file: &Path, as_json: bool) -> ExitCode {
    let loaded = Loader::in_memory().and_then(|loader| loader.load_file(file, MEMORY_BYTES));
    match loaded {
        Ok(loaded) if as_json => {
            let shown = json!({
                "manifest": loaded.manifest, "digest": loaded.digest, "size_bytes": loaded.size,
                "imports": loaded.imports,
            });
            println!("{shown}");
            Exit::Done.into()
        }
        Ok(loaded) => {
            print!("{}", text(&loaded));
            Exit::Done.into()
        }
        Err(error) => {
            eprintln!(
                "refused  {}\n  {error}\n  {}",
                file.display(),
                error.advice()
            );
            Exit::Failed.into()
        }
    }
}

fn text(loaded: &Loaded) -> String {
    let manifest = &loaded.manifest;
    let mut lines = vec![
        format!(
            " {} {} · {}",
            manifest.id, manifest.version, manifest.summary
        ),
        format!(
            " sha256 {} · {} bytes · no network, no files",
            loaded.digest, loaded.size
        ),
    ];
    for subscription in &manifest.subscriptions {
        let zones = if subscription.zones.is_empty() {
            "all zones".into()
        } else {
            subscription.zones.join(", ")
        };
        lines.push(format!(
            " wants to see       {} in {zones}",
            subscription.types.join(", ")
        ));
    }
    for ask in &manifest.asks {
        let need = if ask.required { "needs" } else { "wants" };
        lines.push(format!(
            " {need} to {:<14} {}   \"{}\"",
            ask.ability, ask.scope, ask.why
        ));
    }
    lines.push(format!(" settings           {}", manifest.settings_schema));
    lines.join("\n") + "\n"
}
