//! What a plug does when its power returns: told where it can be told, and looked at afterwards.

use growbox_model::PowerOn;

use crate::mqtt::zigbee::power_on_word;

/// Told so often at most: a plug that forgets it is told of, not nagged for ever.
const TRIES: u32 = 3;

/// The setting of one plug.
#[derive(Debug, Default)]
pub(super) struct Setting {
    wanted: Option<PowerOn>,
    /// It is to be told now.
    due: bool,
    told: u32,
    /// It has said that it is so.
    verified: bool,
}

impl Setting {
    pub(super) fn new(wanted: Option<PowerOn>) -> Self {
        Self {
            wanted,
            ..Self::default()
        }
    }

    /// The bridge's list tells what it can be told; what a person should know of that.
    pub(super) fn learn(&mut self, known: &[String]) -> Option<String> {
        let word = power_on_word(self.wanted?);
        if known.iter().any(|known| known == word) {
            self.due |= !self.verified && self.told == 0;
            return None;
        }
        Some(format!(
            "it cannot be told what to do when its power returns (wanted: {word}); power_on = \"unchanged\" says that this is well"
        ))
    }

    /// What it is to be told now.
    pub(super) fn tell(&mut self) -> Option<PowerOn> {
        let wanted = self.wanted.filter(|_| std::mem::take(&mut self.due))?;
        self.told += 1;
        Some(wanted)
    }

    /// What it says that it does; what a person should know of that.
    pub(super) fn hear(&mut self, said: &str) -> Option<String> {
        let word = power_on_word(self.wanted?);
        self.verified = said == word;
        if self.verified || self.told == 0 {
            return None;
        }
        self.due = self.told < TRIES;
        (self.told == TRIES).then(|| {
            self.told += 1;
            format!("told {TRIES} times to be {word} when its power returns, it says {said}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        ["off", "on", "previous"].map(str::to_owned).into()
    }

    #[test]
    fn it_is_told_once_and_believed_when_it_says_so() {
        let mut setting = Setting::new(Some(PowerOn::Off));
        assert_eq!(setting.tell(), None, "nobody knows yet whether it can be");
        assert_eq!(setting.learn(&known()), None);
        assert_eq!(setting.tell(), Some(PowerOn::Off));
        assert_eq!((setting.tell(), setting.hear("off")), (None, None));
        assert_eq!((setting.learn(&known()), setting.tell()), (None, None));
    }

    #[test]
    fn one_that_is_so_already_is_left_alone() {
        let mut setting = Setting::new(Some(PowerOn::On));
        assert_eq!(setting.hear("on"), None);
        assert_eq!((setting.learn(&known()), setting.tell()), (None, None));
        let mut unchanged = Setting::new(None);
        assert_eq!((unchanged.learn(&[]), unchanged.hear("on")), (None, None));
    }

    #[test]
    fn one_that_does_not_keep_it_is_told_of_once() {
        let mut setting = Setting::new(Some(PowerOn::Off));
        assert_eq!(setting.learn(&known()), None);
        for _ in 1..TRIES {
            assert!(setting.tell().is_some());
            assert_eq!(setting.hear("previous"), None);
        }
        assert!(setting.tell().is_some());
        assert!(
            setting
                .hear("previous")
                .unwrap()
                .contains("it says previous")
        );
        assert_eq!((setting.tell(), setting.hear("previous")), (None, None));
    }

    #[test]
    fn one_that_cannot_be_told_is_told_of() {
        let mut setting = Setting::new(Some(PowerOn::Off));
        assert!(setting.learn(&[]).unwrap().contains("cannot be told"));
        assert_eq!(setting.tell(), None);
    }
}
