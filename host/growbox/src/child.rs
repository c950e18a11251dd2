//! The child process that compiles a component, so that the host stays small and a compile bomb is only the child's.

use std::path::Path;
use std::process::ExitCode;

use crate::room::COMPILE;

/// Compiles, when this process was started for it: `growbox compile-component INPUT OUTPUT`.
pub fn compile() -> Option<ExitCode> {
    let words: Vec<_> = std::env::args_os().collect();
    let [_, word, input, output] = words.as_slice() else {
        return None;
    };
    if word != COMPILE {
        return None;
    }
    Some(
        match growbox_runtime::compile_file(Path::new(input), Path::new(output)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        },
    )
}
