//! A real room, posted by an ordinary client: everything is taken, in order, and VPD comes of it.

use growbox_tests::Room;

#[test]
fn a_room_starts() {
    let room = Room::new(
        "[node]\nclock = \"events\"\n[zone.office]\nstage = \"late-veg\"\n[plugin.vpd-control]\n",
    );
    let begun = std::time::Instant::now();
    let host = room.start();
    println!("up after {:?}", begun.elapsed());
    let status = host.terminate();
    assert_eq!(status.code(), Some(0));
}
