//! Where a host keeps its data, which is where a command finds it.

use std::path::{Path, PathBuf};

/// What this process was started with, as far as it says where data is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `GROWBOX_DATA`.
    pub growbox_data: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// Whether this is root.
    pub root: bool,
}

/// A data directory, and why that one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The directory.
    pub data: PathBuf,
    /// What named it.
    pub chosen: &'static str,
}

impl Environment {
    /// Of this process.
    pub fn of_process() -> Self {
        let path = |name| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        Self {
            growbox_data: path("GROWBOX_DATA"),
            state_home: path("XDG_STATE_HOME"),
            home: path("HOME"),
            root: rustix::process::geteuid().is_root(),
        }
    }
}

/// `--data`, else `GROWBOX_DATA`, else `[node] data`, else the system's or the user's own directory.
pub fn data_directory(
    named: Option<&Path>,
    configured: Option<&Path>,
    environment: &Environment,
) -> Place {
    let place = |data: &Path, chosen| Place {
        data: data.to_owned(),
        chosen,
    };
    if let Some(data) = named {
        return place(data, "--data");
    }
    if let Some(data) = &environment.growbox_data {
        return place(data, "GROWBOX_DATA");
    }
    if let Some(data) = configured {
        return place(data, "[node] data");
    }
    if environment.root {
        return place(Path::new("/var/lib/growbox"), "the default for root");
    }
    // The XDG specification: a path that is not absolute is to be ignored.
    let state = environment
        .state_home
        .as_deref()
        .filter(|path| path.is_absolute());
    let state = state
        .map(Path::to_owned)
        .or_else(|| Some(environment.home.as_ref()?.join(".local/state")));
    let state = state.unwrap_or_else(std::env::temp_dir);
    place(&state.join("growbox"), "the default")
}

/// The place a command looks for the host in: a `growbox.toml` here may name it too, as it does for the host.
pub(super) fn of_client(named: Option<&Path>, environment: &Environment) -> Place {
    let configured = || {
        let checked = crate::config::load(Path::new(super::args::CONFIG)).ok()?;
        checked.configuration?.data
    };
    let needed = named.is_none() && environment.growbox_data.is_none();
    let configured = if needed { configured() } else { None };
    data_directory(named, configured.as_deref(), environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_wins() {
        let mut environment = Environment {
            growbox_data: Some("/env".into()),
            state_home: Some("/xdg".into()),
            home: Some("/home/me".into()),
            root: true,
        };
        let configured = Path::new("/node");
        let mut seen = Vec::new();
        let mut look =
            |named: Option<&str>, configured: Option<&Path>, environment: &Environment| {
                let place = data_directory(named.map(Path::new), configured, environment);
                seen.push(place.data.display().to_string());
            };
        look(Some("/named"), Some(configured), &environment);
        look(None, Some(configured), &environment);
        environment.growbox_data = None;
        look(None, Some(configured), &environment);
        look(None, None, &environment);
        environment.root = false;
        look(None, None, &environment);
        environment.state_home = Some("relative".into());
        look(None, None, &environment);
        let expected = [
            "/named",
            "/env",
            "/node",
            "/var/lib/growbox",
            "/xdg/growbox",
            "/home/me/.local/state/growbox",
        ];
        assert_eq!(seen, expected);
    }
}
