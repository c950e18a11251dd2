//! What the operator lets out, beside the grants: secrets with their origins, and the mail server.

use crate::mail::MailServer;
use crate::secret::Secret;

/// Everything a call may need that its plug-in must not know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    /// Secrets, by name.
    pub secrets: Vec<Secret>,
    /// Where mail is handed in; none means that no mail can be sent.
    pub mail: Option<MailServer>,
}
