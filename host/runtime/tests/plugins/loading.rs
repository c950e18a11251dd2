//! Loading: what is refused and why, and when compiled code is used again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use growbox_model::{PluginId, PluginSpec};
use growbox_runtime::{Blame, Compiler, LoadError, Loader, Origin};

use crate::guest::Guest;

const MEMORY: u64 = 64 * 1024 * 1024;

fn refusal(code: &[u8]) -> LoadError {
    let loader = Loader::in_memory().unwrap();
    match loader.load(code, MEMORY) {
        Ok(loaded) => panic!("taken: {}", loaded.manifest.id),
        Err(error) => error,
    }
}

#[test]
fn a_good_component_tells_what_it_is() {
    let code = Guest::default().component();
    let loaded = Loader::in_memory().unwrap().load(&code, MEMORY).unwrap();
    assert_eq!(loaded.manifest.id.as_str(), "moody");
    assert_eq!(loaded.manifest.version, "0.1.0");
    assert_eq!(loaded.size, code.len() as u64);
    assert_eq!(loaded.digest.len(), 64);
    let state = "growbox:plugin/state@0.1.0".to_owned();
    assert!(loaded.imports.contains(&state), "{:?}", loaded.imports);
}

#[test]
fn what_is_no_plugin_is_refused_with_its_reason() {
    let good = Guest::default().component();
    let truncated = refusal(&good[..good.len() / 2]);
    assert!(truncated.to_string().contains("cut short"), "{truncated}");
    let module = refusal(&wat::parse_str("(module)").unwrap());
    assert!(module.to_string().contains("not a component"), "{module}");
    assert!(module.advice().contains("wasm-component-ld"));
    let network = r#"(component (import "wasi:sockets/tcp@0.2.0" (instance)))"#;
    let network = refusal(&wat::parse_str(network).unwrap());
    assert!(network.to_string().contains("wants the network"));
    assert_eq!(network.blame(), Blame::Guest);
    let untyped = r#"(component
        (instance $none)
        (export "growbox:plugin/handler@0.1.0" (instance $none)))"#;
    let untyped = refusal(&wat::parse_str(untyped).unwrap());
    assert!(matches!(untyped, LoadError::Types(_)), "{untyped}");
}

#[test]
fn describe_has_a_deadline_and_may_not_trap() {
    let endless = Guest {
        describe: "(loop $for_ever (br $for_ever))",
        ..Guest::default()
    };
    let endless = refusal(&endless.component());
    assert!(
        endless
            .to_string()
            .contains("describe used up its deadline of 1s"),
        "{endless}"
    );
    let trapping = Guest {
        describe: "unreachable",
        ..Guest::default()
    };
    let trapping = refusal(&trapping.component());
    assert!(
        trapping.to_string().contains("describe trapped"),
        "{trapping}"
    );
    assert_eq!(trapping.blame(), Blame::Guest);
}

#[test]
fn memory_is_limited_from_the_first_moment() {
    let code = Guest::default().component();
    let loader = Loader::in_memory().unwrap();
    let error = loader.load(&code, 1024 * 1024).err().unwrap();
    assert!(error.to_string().contains("1 MiB"), "{error}");
}

#[test]
fn a_wrong_manifest_or_another_id_is_named() {
    let wrong = Guest {
        id: "Moody!",
        ..Guest::default()
    };
    let wrong = refusal(&wrong.component());
    assert!(wrong.to_string().contains("\"Moody!\""), "{wrong}");
    let loader = Loader::in_memory().unwrap();
    let spec = PluginSpec::bare(PluginId::new("calm").unwrap());
    let error = loader.load_as(&Guest::default().component(), &spec).err();
    let error = error.unwrap().to_string();
    assert!(
        error.contains("\"moody\"") && error.contains("\"calm\""),
        "{error}"
    );
}

#[test]
fn a_missing_file_is_not_the_plugins_fault() {
    let loader = Loader::in_memory().unwrap();
    let error = loader.load_file(Path::new("/nonexistent/p.wasm"), MEMORY);
    let error = error.err().unwrap();
    assert_eq!(error.blame(), Blame::Host);
    assert!(error.to_string().contains("/nonexistent/p.wasm"));
}

/// The only file in the cache.
fn only(dir: &Path) -> PathBuf {
    let files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    let [file] = &files[..] else {
        panic!("not one file: {files:?}");
    };
    file.clone()
}

fn cached(dir: &Path) -> Loader {
    Loader::caching(dir, Compiler::InProcess).unwrap()
}

#[test]
fn compiled_code_is_used_again_by_the_next_host() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("compiled");
    let code = Guest::default().component();
    let first = cached(&dir).load(&code, MEMORY).unwrap();
    assert!(matches!(first.origin, Origin::Compiled(_)));
    let second = cached(&dir).load(&code, MEMORY).unwrap();
    assert_eq!(second.origin, Origin::Cached);
    assert_eq!(second.manifest, first.manifest);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&only(&dir))), (0o700, 0o600));
}

#[test]
fn damaged_compiled_code_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let code = Guest::default().component();
    cached(dir.path()).load(&code, MEMORY).unwrap();
    let file = only(dir.path());
    let mut compiled = fs::read(&file).unwrap();
    let middle = compiled.len() / 2;
    compiled[middle] ^= 1;
    fs::write(&file, compiled).unwrap();
    let again = cached(dir.path()).load(&code, MEMORY).unwrap();
    assert!(matches!(again.origin, Origin::Compiled(_)));
    let third = cached(dir.path()).load(&code, MEMORY).unwrap();
    assert_eq!(third.origin, Origin::Cached);
    only(dir.path());
}

#[test]
fn a_refused_component_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let invalid = wat::parse_str(
        r#"(component
            (core module (func (result i32) unreachable i64.const 1))
            (instance $none)
            (export "growbox:plugin/handler@0.1.0" (instance $none)))"#,
    )
    .unwrap();
    let error = cached(dir.path()).load(&invalid, MEMORY).err().unwrap();
    assert!(
        error.to_string().contains("it does not compile: "),
        "{error}"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_child_compiles_and_its_file_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let code = Guest::default().component();
    let (made, input) = (dir.path().join("made"), dir.path().join("guest.wasm"));
    cached(&made).load(&code, MEMORY).unwrap();
    fs::write(&input, &code).unwrap();
    // Stands for the host's binary: compares its input, and "compiles" by copying.
    let script = r#"cmp -s "$1" "$3" && cp "$2" "$4""#;
    let args = ["-c", script, "sh"].map(Into::into);
    let args = args.into_iter().chain([input.into(), only(&made).into()]);
    let compiler = Compiler::Child {
        program: "sh".into(),
        args: args.collect(),
    };
    let cache = dir.path().join("compiled");
    let loader = Loader::caching(&cache, compiler).unwrap();
    let loaded = loader.load(&code, MEMORY).unwrap();
    assert!(matches!(loaded.origin, Origin::Compiled(_)));
    assert_eq!(only(&cache).file_name(), only(&made).file_name());
}
