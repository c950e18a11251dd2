//! `growbox check`: all that is wrong with a configuration, and every default with its reason.

use std::io::Write;
use std::process::ExitCode;

use serde_json::json;

use super::failure::{Exit, Failure};
use super::options::CheckArgs;
use crate::config::{Checked, load, render_explanations};

/// Carries out `growbox check`.
pub fn check(args: &CheckArgs) -> ExitCode {
    super::finish(checked(
        args,
        &mut std::io::stdout().lock(),
        &mut std::io::stderr().lock(),
    ))
}

fn checked(args: &CheckArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    let checked = load(&args.config).map_err(|error| Failure::Usage(error.to_string()))?;
    if args.json {
        write_json(&checked, args.explain, out)?;
    } else {
        write_text(&checked, args.explain, out, err)?;
    }
    Ok(if checked.configuration.is_some() {
        Exit::Done
    } else {
        Exit::Wrong
    })
}

fn write_json(checked: &Checked, explain: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let mut answer = json!({
        "ok": checked.configuration.is_some(),
        "errors": checked.errors().collect::<Vec<_>>(),
        "warnings": checked.warnings().collect::<Vec<_>>(),
    });
    if explain {
        answer["explain"] = json!(checked.explanations);
    }
    Ok(writeln!(out, "{answer}")?)
}

fn write_text(
    checked: &Checked,
    explain: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Failure> {
    if explain {
        write!(
            out,
            "{}",
            render_explanations(&checked.file, &checked.explanations)
        )?;
    }
    write!(err, "{checked}")?;
    let (errors, warnings) = (checked.errors().count(), checked.warnings().count());
    match &checked.configuration {
        Some(configuration) => {
            let room = &configuration.room;
            let counted = [
                count(room.zones.len(), "zone"),
                count(room.sensors.len(), "sensor"),
                count(room.devices.len(), "device"),
                count(room.plugins.len(), "plug-in"),
            ];
            let told = if warnings == 0 {
                String::new()
            } else {
                format!(", {}", count(warnings, "warning"))
            };
            writeln!(
                out,
                "{} is sound: {}{told}",
                checked.file,
                counted.join(", ")
            )?;
        }
        None => writeln!(
            err,
            "{} cannot be used: {}, {}",
            checked.file,
            count(errors, "error"),
            count(warnings, "warning")
        )?,
    }
    Ok(())
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str, explain: bool, json: bool) -> (Result<Exit, Failure>, String, String) {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("growbox.toml");
        std::fs::write(&config, text).unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = checked(
            &CheckArgs {
                config,
                explain,
                json,
            },
            &mut out,
            &mut err,
        );
        (
            exit,
            String::from_utf8(out).unwrap(),
            String::from_utf8(err).unwrap(),
        )
    }

    #[test]
    fn a_sound_file_is_counted() {
        let (exit, out, err) = run("[zone.a]\n[sensor]\nx = { zone = \"a\" }\n", false, false);
        assert_eq!(exit.unwrap(), Exit::Done);
        assert!(
            out.ends_with("growbox.toml is sound: 1 zone, 1 sensor, 0 devices, 0 plug-ins\n"),
            "{out}"
        );
        assert_eq!(err, "");
    }

    #[test]
    fn a_wrong_file_is_exit_code_two() {
        let (exit, out, err) = run("[nod]\nx = 1\n", true, false);
        assert_eq!(exit.unwrap().code(), 2);
        assert!(
            out.contains("node.queue"),
            "explanations are printed all the same: {out}"
        );
        assert!(
            err.starts_with("error: unknown table \"nod\", did you mean \"node\"?\n"),
            "{err}"
        );
        assert!(
            err.ends_with("growbox.toml cannot be used: 1 error, 0 warnings\n"),
            "{err}"
        );
    }

    #[test]
    fn programs_get_json() {
        let (exit, out, _) = run("[api]\nlisten = 5\n", true, true);
        let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(exit.unwrap(), Exit::Wrong);
        assert_eq!(
            (&answer["ok"], &answer["errors"][0]["line"]),
            (&json!(false), &json!(2))
        );
        assert_eq!(answer["errors"][0]["key"], "api.listen");
        assert!(answer["explain"].as_array().unwrap().len() > 5);
    }

    #[test]
    fn a_file_that_is_not_there_is_wrong_usage() {
        let args = CheckArgs {
            config: "/nowhere/growbox.toml".into(),
            explain: false,
            json: false,
        };
        let failure = checked(&args, &mut Vec::new(), &mut Vec::new()).unwrap_err();
        assert_eq!(failure.exit(), Exit::Wrong);
        assert!(
            failure
                .to_string()
                .starts_with("cannot read the configuration /nowhere/growbox.toml: "),
            "{failure}"
        );
    }
}
