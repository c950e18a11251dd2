//! Lock-out: a person works at a device, and nobody moves it until they say so.

use growbox_model::{DeviceId, LockOut, Now, Objection, Operation, Outcome, Record, Text};

use crate::device::Start;
use crate::gate::{Gate, close_all};
use crate::policy;
use crate::say;

impl Gate {
    /// A person locks a device out: it goes off as soon as its minimum on lets it, and nobody,
    /// safety included, moves it until it is unlocked. Its claims and its hold end. A device that
    /// is only observed is driven off all the same: somebody has their hands in it.
    ///
    /// # Errors
    ///
    /// An unknown device; one that is locked out already, with who did it.
    pub fn lock_out(
        &mut self,
        id: &DeviceId,
        who: &Text,
        reason: &Text,
        now: Now,
    ) -> Result<(), Objection> {
        if let Some(lock) = self.bonds.locked.get(id) {
            return Err(Objection::new(policy::LOCK_OUT, say::locked(lock, id)));
        }
        let device = self.device_mut(id)?;
        device.homing |= device.operation == Some(Operation::Observe);
        device.start = Start::Over;
        let held = device.held.take().is_some();
        if let Some(device) = self.devices.get_mut(id) {
            let why = format!("locked out by {who}: {reason}");
            close_all(device, Outcome::Superseded, &why, &mut self.pending);
        }
        if held {
            self.pending.records.push(Record::Hold(id.clone(), None));
        }
        let lock = LockOut {
            who: who.clone(),
            reason: reason.clone(),
            since: now.wall,
        };
        let record = Record::LockedOut(id.clone(), Some(lock.clone()));
        self.pending.records.push(record);
        self.bonds.locked.insert(id.clone(), lock);
        Ok(())
    }

    /// Ends a lock-out; the device begins with no claims, at its safe level.
    ///
    /// # Errors
    ///
    /// An unknown device; one that nobody has locked out.
    pub fn unlock(&mut self, id: &DeviceId) -> Result<(), Objection> {
        if self.bonds.locked.remove(id).is_none() {
            self.device_mut(id)?;
            let message = format!("{id} is not locked out");
            return Err(Objection::new("not_locked_out", message));
        }
        self.all_roused = true;
        let record = Record::LockedOut(id.clone(), None);
        self.pending.records.push(record);
        Ok(())
    }
}
