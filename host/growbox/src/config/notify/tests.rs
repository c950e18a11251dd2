//! What `[notify]` becomes: settings without secrets, grants, and a book with them.

use std::path::Path;
use std::time::Duration;

use growbox_outbound::{Security, Source};
use serde_json::json;

use super::super::{Checked, Surroundings};
use super::{quiet_hours, repeat, without_user};

fn checked(text: &str) -> Checked {
    let around = Surroundings {
        file: "growbox.toml",
        folder: Path::new("/etc/growbox"),
        time_zone: "UTC",
        exists: &|path| !path.ends_with("lost"),
    };
    super::super::read(text, &around)
}

fn notify(text: &str) -> super::NotifySpec {
    let checked = checked(&format!("[notify]\n{text}\n"));
    assert_eq!(checked.to_string(), "");
    checked.configuration.unwrap().notify
}

fn said(text: &str) -> String {
    checked(&format!("[notify]\n{text}\n")).to_string()
}

#[test]
fn an_address_is_a_setting_and_a_grant_of_its_origin_alone() {
    let spec = notify("ntfy = \"https://ntfy.sh/tent\"");
    assert_eq!(spec.settings["ntfy"], "https://ntfy.sh/tent");
    assert_eq!(spec.origins, ["https://ntfy.sh"]);
    assert!(spec.book.secrets.is_empty());
    assert_eq!(spec.settings["least"], "warning");
    assert_eq!(spec.settings["repeat"], json!(3600.0));
}

#[test]
fn secrets_are_in_the_book_and_only_named_in_the_settings() {
    let spec = notify(
        "ntfy = \"https://me:hunter2@ntfy.sh/tent\"
webhook = { url = \"https://hook.example/x\", token = { file = \"hook\" } }
telegram = { chat = -42, token = { file = \"/run/telegram\" } }
mail = { server = \"smtps://mail.example\", user = \"me\", password = { file = \"mail\" }, from = \"tent <tent@a.example>\", to = \"me@a.example\" }
heartbeat = \"https://beat:hunter3@hc.example/1\"",
    );
    let settings = serde_json::to_string(&spec.settings).unwrap();
    assert!(!settings.contains("hunter"), "{settings}");
    assert_eq!(
        spec.settings["ntfy"],
        "https://${secret:ntfy-user}@ntfy.sh/tent"
    );
    assert_eq!(
        spec.settings["webhook_authorization"],
        "Bearer ${secret:webhook}"
    );
    assert_eq!(
        spec.settings["telegram"],
        "https://api.telegram.org/bot${secret:telegram}/sendMessage"
    );
    assert_eq!(spec.settings["telegram_chat"], "-42");
    assert_eq!(spec.settings["mail"], "mailto:me@a.example");
    let book: Vec<_> = spec.book.secrets.iter().collect();
    let bound: Vec<_> = book
        .iter()
        .map(|secret| (secret.name.as_str(), secret.origins.as_slice()))
        .collect();
    assert_eq!(
        bound,
        [
            ("ntfy-user", &["https://ntfy.sh".to_owned()][..]),
            ("webhook", &["https://hook.example".to_owned()]),
            ("telegram", &["https://api.telegram.org".to_owned()]),
            ("heartbeat-user", &["https://hc.example".to_owned()]),
        ]
    );
    assert_eq!(book[0].source, Source::Value("me:hunter2".into()));
    assert_eq!(book[1].source, Source::File("/etc/growbox/hook".into()));
    let mail = spec.book.mail.unwrap();
    assert_eq!((mail.port, mail.security), (465, Security::Tls));
    let heartbeat = spec.heartbeat.unwrap();
    assert_eq!(heartbeat.every, Duration::from_secs(60));
    assert!(!heartbeat.url.contains("hunter"), "{}", heartbeat.url);
    assert!(
        !spec.origins.contains(&"https://hc.example".to_owned()),
        "the heartbeat is no grant of the notifier: {:?}",
        spec.origins
    );
}

#[test]
fn wrong_lines_are_refused_with_what_would_be_right() {
    for (line, told) in [
        ("ntfy = \"ntfy.sh/tent\"", "ntfy"),
        ("ntfy = \"ftp://a.example/\"", "https://"),
        ("nfty = \"https://a.example\"", "ntfy"),
        (
            "webhook = { token = { file = \"x\" } }",
            "url = \"https://…\"",
        ),
        (
            "webhook = { url = \"https://a.example\", token = \"hunter2\" }",
            "a secret has a file of its own",
        ),
        ("telegram = { chat = 1 }", "token = { file"),
        ("quiet_hours = \"late\"", "are no hours such as"),
        ("rate = 0", "is not within 1 … 1000"),
        ("repeat = \"1s\"", "\"off\" says it once"),
        ("least = \"loud\"", "warning"),
        (
            "mail = { server = \"smtp://u:hunter2@a.example\", from = \"a@a.example\", to = \"b@a.example\" }",
            "this is no mail server",
        ),
        (
            "mail = { server = \"smtps://a.example\", user = \"me\", from = \"a@a.example\", to = \"b@a.example\" }",
            "password = { file",
        ),
    ] {
        let checked = checked(&format!("[notify]\n{line}\n"));
        let text = checked.to_string();
        assert!(checked.configuration.is_none(), "{line} is taken");
        assert!(text.contains(told), "{line}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn the_user_of_an_address_is_never_said_whatever_is_wrong_with_it() {
    for line in [
        "ntfy = \"https://me:hunter2@\"",
        "ntfy = \"https://me:hunter2@a b.example/\"",
        "ntfy = \"ftp://me:hunter2@a.example/\"",
        "ntfy = \"http://me:hunter2@a.example/\"",
        "ntfy = { url = \"https://me:hunter2@a.example:port/\" }",
        "heartbeat = \"https://me:hunter2@a.example:99999/\"",
        "ntfy = \"https://me:hunter2@a.example\"\nrate = 0",
    ] {
        let text = said(line);
        assert!(!text.is_empty() && !text.contains("hunter2"), "{text}");
        let checked = checked(&format!("[notify]\n{line}\n"));
        let json = serde_json::to_string(&checked.findings).unwrap();
        assert!(!json.contains("hunter2"), "{json}");
    }
}

#[test]
fn what_is_unwise_is_said_and_taken() {
    for (line, told) in [
        ("ntfy = \"http://a.example/x\"", "can read what is sent"),
        (
            "ntfy = { url = \"https://a.example\", token = { file = \"lost\" } }",
            "there is no file",
        ),
        ("rate = 5", "nobody is told anything"),
    ] {
        let checked = checked(&format!("[notify]\n{line}\n"));
        let text = checked.to_string();
        assert!(text.contains(told), "{line}: {text}");
        assert!(checked.configuration.is_some(), "{text}");
    }
    assert_eq!(said("ntfy = \"http://127.0.0.1:1/x\""), "");
}

#[test]
fn hours_repeats_and_users_are_read() {
    assert_eq!(quiet_hours(&"22:00 - 07:00".into()).unwrap(), "22:00-07:00");
    for wrong in ["22:00", "22:00-22:00", "22:00-24:00", "1:00-2:00"] {
        assert!(quiet_hours(&wrong.into()).is_err(), "{wrong}");
    }
    assert_eq!(repeat(&"off".into()).unwrap().seconds(), 0.0);
    assert_eq!(repeat(&"2h".into()).unwrap().seconds(), 7200.0);
    let user = |address: &str| without_user(address).1;
    assert_eq!(user("https://a@b.example/").as_deref(), Some("a"));
    assert_eq!(user("https://b.example/c@d"), None);
}
