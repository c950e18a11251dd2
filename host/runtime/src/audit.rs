//! Looks at a component before anything of it is compiled: is it one, and what does it want?

use growbox_model::id::quoted;
use wasmparser::{Encoding, Parser, Payload};

use crate::contract::{HANDLER, IMPORTS, VERSION};
use crate::limits::COMPONENT_BYTES;
use crate::memory::bytes;

/// How every WebAssembly file begins.
const MAGIC: &[u8] = b"\0asm";

/// Why a file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objectionable {
    /// Too large.
    #[error("it has {}, at most {} are taken", bytes(*.0), bytes(COMPONENT_BYTES))]
    TooLarge(u64),
    /// No WebAssembly at all.
    #[error("it is no WebAssembly: it does not begin with \\0asm")]
    NoWebAssembly,
    /// It begins as WebAssembly, and goes on as something else or not at all.
    #[error("it is damaged or cut short ({0})")]
    Damaged(String),
    /// A core module.
    #[error("it is a core WebAssembly module, not a component")]
    CoreModule,
    /// It imports what no plug-in gets.
    #[error("it wants {} ({name}), which no plug-in gets", authority(.name))]
    Import {
        /// The import's name.
        name: String,
    },
    /// It is written against a version of the contract that this host does not serve.
    #[error("it is written for {name}, this host serves {VERSION}")]
    Version {
        /// The import's or export's name.
        name: String,
    },
    /// It exports no handler.
    #[error("it is a component of another world: it exports {}, not {HANDLER}", listed(.exports))]
    World {
        /// What it exports instead.
        exports: Vec<String>,
    },
}

impl Objectionable {
    /// What to do next.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "build it optimised and without debug information",
            Self::NoWebAssembly => "name the component that the build of the plug-in made",
            Self::Damaged(_) => "copy or build it again",
            Self::CoreModule => {
                "its author: turn it into a component; in Rust build for wasm32-unknown-unknown with linker = \"wasm-component-ld\""
            }
            Self::Import { name } if name.starts_with("wasi:") => {
                "its author: build without WASI; in Rust for wasm32-unknown-unknown, elsewhere with the imports stubbed; time comes with the batch, logging is growbox:plugin/log"
            }
            Self::Import { .. } => "its author: import only what wit/0.1.0/plugin.wit offers",
            Self::Version { .. } => "update growbox, or take a version of the plug-in for this one",
            Self::World { .. } => "its author: export the world growbox:plugin/plugin",
        }
    }
}

/// What a component imports and exports at its outside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Outside {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

/// Refuses what is no plug-in; tells what it imports and exports.
pub(crate) fn audit(code: &[u8]) -> Result<Outside, Objectionable> {
    if code.len() as u64 > COMPONENT_BYTES {
        return Err(Objectionable::TooLarge(code.len() as u64));
    }
    let outside = outside(code)?;
    for name in &outside.imports {
        if !IMPORTS.contains(&name.as_str()) {
            return Err(refused(name));
        }
    }
    if outside.exports.iter().any(|name| name == HANDLER) {
        return Ok(outside);
    }
    match outside
        .exports
        .iter()
        .find(|name| other_version(name, &[HANDLER]))
    {
        Some(name) => Err(Objectionable::Version { name: name.clone() }),
        None => Err(Objectionable::World {
            exports: outside.exports,
        }),
    }
}

fn refused(name: &str) -> Objectionable {
    let name = name.to_owned();
    if other_version(&name, &IMPORTS) {
        return Objectionable::Version { name };
    }
    Objectionable::Import { name }
}

/// Whether `name` is one of `known` but for its version.
fn other_version(name: &str, known: &[&str]) -> bool {
    let bare = |name: &str| name.split('@').next().map(str::to_owned);
    known.iter().any(|known| bare(known) == bare(name))
}

fn outside(code: &[u8]) -> Result<Outside, Objectionable> {
    if !code.starts_with(MAGIC) {
        return Err(Objectionable::NoWebAssembly);
    }
    let damaged = |e: wasmparser::BinaryReaderError| Objectionable::Damaged(e.to_string());
    let mut outside = Outside::default();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(code) {
        match payload.map_err(damaged)? {
            Payload::Version { encoding, .. } if depth == 0 && encoding == Encoding::Module => {
                return Err(Objectionable::CoreModule);
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    outside
                        .imports
                        .push(import.map_err(damaged)?.name.0.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    outside
                        .exports
                        .push(export.map_err(damaged)?.name.0.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(outside)
}

/// What an import would give, in a grower's words.
fn authority(name: &str) -> &'static str {
    let families = [
        ("wasi:sockets/", "the network"),
        ("wasi:http/", "the network"),
        ("wasi:filesystem/", "files"),
        ("wasi:cli/environment", "the environment"),
        ("wasi:clocks/", "the machine's clock"),
        ("wasi:random/", "random numbers"),
        ("wasi:cli/", "the command line"),
        ("wasi:io/", "streams of the machine"),
    ];
    families
        .iter()
        .find(|(prefix, _)| name.starts_with(prefix))
        .map_or("something unknown", |(_, words)| words)
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        names => {
            let shown: Vec<String> = names.iter().take(4).map(|n| quoted(n)).collect();
            shown.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        audit(&wat::parse_str(text).unwrap())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_is_no_component_is_told_so() {
        assert_eq!(
            refusal("(module)"),
            "it is a core WebAssembly module, not a component"
        );
        for foreign in [&b""[..], b"\0as", b"MZ\x90\x00 no wasm"] {
            assert_eq!(audit(foreign), Err(Objectionable::NoWebAssembly));
        }
        let damaged = |code: &[u8]| matches!(audit(code), Err(Objectionable::Damaged(_)));
        let whole = wat::parse_str("(component (core module (func)))").unwrap();
        assert!(damaged(&whole[..whole.len() - 3]));
    }

    #[test]
    fn imports_are_refused_by_name() {
        let sockets = r#"(component (import "wasi:sockets/tcp@0.2.0" (instance)))"#;
        assert_eq!(
            refusal(sockets),
            "it wants the network (wasi:sockets/tcp@0.2.0), which no plug-in gets"
        );
        let newer = r#"(component (import "growbox:plugin/state@0.9.0" (instance)))"#;
        assert!(refusal(newer).contains("this host serves 0.1.0"));
    }

    #[test]
    fn another_world_is_told_by_its_exports() {
        let other = r#"(component (instance $i) (export "docs:adder/add@0.1.0" (instance $i)))"#;
        assert!(refusal(other).contains("\"docs:adder/add@0.1.0\", not growbox:plugin/handler"));
        assert!(refusal("(component)").contains("exports nothing"));
    }

    #[test]
    fn inner_components_do_not_count() {
        let nested = r#"(component (component (import "wasi:io/poll@0.2.0" (instance))))"#;
        assert!(refusal(nested).contains("another world"));
    }
}
