//! Answers: a post is answered when what it waits for has happened.

use growbox_model::Seq;
use growbox_model::ports::{Ports, Ticket};
use growbox_model::row::{Answer, Wait};

use crate::flow::Flow;
use crate::intake::Post;
use crate::orders::Pledge;

impl Flow {
    /// Answers every post that has what it waits for.
    pub(crate) fn answer_posts(&mut self, ports: &mut impl Ports) {
        let (durable, now) = (self.durable, self.machine.boot);
        let due = |pledge: &mut Pledge| {
            let patient = pledge.until.is_none_or(|until| now < until);
            pledge.seq <= durable || !patient
        };
        for pledge in self.pledges.extract_if(.., due) {
            ports.answer(pledge.ticket, pledge.answer);
        }
        let ready: Vec<Ticket> = self
            .intake
            .posts
            .iter()
            .filter(|(_, post)| self.has_what_it_waits_for(post))
            .map(|(ticket, _)| *ticket)
            .collect();
        for ticket in ready {
            if let Some(post) = self.intake.posts.remove(&ticket) {
                ports.answer(ticket, Answer::Posted(post.results));
            }
        }
    }

    fn has_what_it_waits_for(&self, post: &Post) -> bool {
        match post.wait {
            Wait::Accepted => post.accepted(),
            Wait::Durable => post.decided() && self.durable >= post.last,
            Wait::Settled => post.decided() && self.settled(post.last),
        }
    }

    /// Every plug-in has handled everything up to `seq`, and gate and drivers have settled.
    fn settled(&self, seq: Seq) -> bool {
        !self.drivers_busy() && self.plugins.have_handled(seq, &self.ring)
    }

    /// The newest event somebody waits for to be durable.
    pub(crate) fn durability_awaited(&self) -> Option<Seq> {
        let waiting = |post: &&Post| post.wait == Wait::Durable && post.decided();
        let posts = self.intake.posts.values().filter(waiting);
        posts.map(|post| post.last).max()
    }
}
