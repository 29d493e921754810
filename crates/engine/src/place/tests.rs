use super::*;

const GB: u64 = 1 << 30;
const PROCESSOR: Processor = Processor { free: 64 * GB, speed: 30e9 };

fn need(gigabytes: u64, layers: u32) -> Need {
    let layer = gigabytes * GB / u64::from(layers);
    Need { layers, layer, read: layer, output: GB / 4, table: GB / 4, is_shared: false, passes: GB / 4 }
}

fn card(index: usize, gigabytes: u64) -> Room {
    Room { index, free: gigabytes * GB, speed: 300e9, least: 0.0, is_shared: false, is_remote: false, computer: index }
}

/// Another computer that is faster than this one's processor by a tenth.
fn remote(index: usize, gigabytes: u64) -> Room {
    Room { speed: 33e9, least: 0.001, is_remote: true, ..card(index, gigabytes) }
}

fn placed(needs: &[Need], rooms: &[Room]) -> Vec<Place> {
    places(needs, rooms, PROCESSOR, None)
}

fn on(parts: &[(usize, u32)]) -> Place {
    Place { parts: parts.to_vec() }
}

#[test]
fn everything_goes_to_a_card_that_has_room_for_it() {
    let (target, draft) = (need(4, 32), need(1, 16));
    assert_eq!(placed(&[target, draft], &[card(1, 24)]), [on(&[(1, 33)]), on(&[(1, 17)])]);
    assert_eq!(target.on_processor(33), target.table, "only tokens are looked up there");
}

#[test]
fn without_devices_or_when_it_is_wished_the_processor_has_all() {
    let needs = [need(4, 32), need(1, 16)];
    let alone = vec![Place::default(); 2];
    assert_eq!(placed(&needs, &[]), alone);
    assert_eq!(places(&needs, &[card(0, 24)], PROCESSOR, Some(0)), alone);
    assert_eq!(needs[0].on_processor(0), 4 * GB + GB / 2);
    let shared = Need { is_shared: true, ..needs[0] };
    assert_eq!((shared.on_processor(0), shared.on_processor(33)), (4 * GB + GB / 4, GB / 4), "one table for both");
    assert!(placed(&[], &[card(0, 24)]).is_empty());
}

#[test]
fn nothing_goes_past_what_is_free_of_any_device() {
    let ladders = [vec![need(4, 32), need(1, 16)], vec![need(7, 28), need(2, 24), need(1, 12)], vec![need(20, 48)]];
    for first in 0..12 {
        for second in [0, 1, 2, 5, 24] {
            for third in [None, Some(remote(7, 8))] {
                let rooms: Vec<Room> = [card(0, first), card(3, second)].into_iter().chain(third).collect();
                for needs in &ladders {
                    for layers in [None, Some(5), Some(99)] {
                        let places = places(needs, &rooms, PROCESSOR, layers);
                        for (device, bytes) in taken(needs, &places) {
                            let room = rooms.iter().find(|room| room.index == device).unwrap();
                            assert!(bytes <= room.free, "{rooms:?}: {places:?} takes {bytes} of {device}");
                        }
                        for (need, place) in needs.iter().zip(&places) {
                            assert!(place.layers() <= need.all() && place.parts.iter().all(|part| part.1 > 0));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_taken_is_what_was_placed() {
    let needs = [need(8, 32), need(1, 16)];
    let places = [on(&[(3, 13), (0, 20)]), on(&[(3, 17)])];
    let of_draft = need(1, 16).of(17, true) + GB / 4;
    assert_eq!(taken(&needs, &places), [(3, 13 * GB / 4 + GB / 4 + of_draft), (0, 19 * GB / 4 + GB / 2)]);
    assert_eq!(taken(&needs, &[Place::default(), Place::default()]), []);
    assert_eq!(taken(&[], &places), []);
}

#[test]
fn a_draft_goes_before_layers_of_a_target_that_does_not_fit() {
    // Half of the target at most: the draft, which runs thrice as often, is worth more there.
    let places = placed(&[need(8, 32), need(1, 16)], &[card(0, 6)]);
    assert_eq!(places[1].layers(), 17);
    assert!(places[0].layers() > 8 && places[0].layers() < 33, "{places:?}");
    // A draft that takes nearly all of the card is not.
    let places = placed(&[need(8, 32), need(5, 16)], &[card(0, 6)]);
    assert_eq!(places[1], Place::default());
    assert!(places[0].layers() > 16);
}

#[test]
fn as_many_layers_as_were_asked_for_if_they_fit() {
    let layers = |layers| places(&[need(4, 32)], &[card(0, 3)], PROCESSOR, Some(layers))[0].layers();
    assert_eq!(layers(5), 5);
    let most = layers(33);
    assert!(most > 15 && most < 33, "{most}");
    assert_eq!(layers(1), 0, "the output alone is not worth the way");
}

#[test]
fn what_is_slow_is_used_only_where_that_helps() {
    let needs = [need(4, 32), need(1, 16)];
    let fits = placed(&needs, &[remote(9, 64), card(0, 24)]);
    assert!(fits.iter().all(|place| place.devices().eq([0])), "the card has room for all of it: {fits:?}");
    let tried = placed(&needs, &[remote(9, 64)]);
    assert_eq!(tried[0], on(&[(9, 33)]), "a little better than the processor");
    let useless = Room { speed: 15e9, ..remote(9, 64) };
    assert_eq!(placed(&needs, &[useless]), vec![Place::default(); 2]);
    // One that is quick, far away.
    let far = Room { speed: 300e9, least: 0.5, ..remote(9, 64) };
    assert_eq!(placed(&needs, &[far]), vec![Place::default(); 2]);
    // A small old card comes first in llama.cpp's list.
    let both = placed(&[need(8, 32)], &[Room { speed: 48e9, ..card(0, 2) }, card(1, 24)]);
    assert_eq!(both, [on(&[(1, 33)])]);
    assert_eq!(
        placed(&[need(8, 32)], &[card(0, 2), card(1, 24)]),
        both,
        "and as fast as the other one for all anybody knows"
    );
}

#[test]
fn a_processor_that_is_faster_keeps_what_fits_it() {
    let fast = Processor { speed: 200e9, ..PROCESSOR };
    let slow = Room { speed: 48e9, ..card(0, 24) };
    assert_eq!(places(&[need(4, 32), need(1, 16)], &[slow], fast, None), vec![Place::default(); 2]);
}

#[test]
fn what_fits_nowhere_else_goes_to_another_computer() {
    // 20 GB, a card of 8 GB, 12 GB of memory: the card alone would be sooner, if there were room for the rest.
    let small = Processor { free: 12 * GB, ..PROCESSOR };
    let places = places(&[need(20, 40)], &[card(0, 8), remote(1, 64)], small, None);
    assert_eq!(places[0].layers(), 41, "{places:?}");
    assert!(places[0].devices().eq([1, 0]), "the card has the last layers: {places:?}");
    let enough = placed(&[need(20, 40)], &[card(0, 8), Room { speed: 25e9, ..remote(1, 64) }]);
    assert!(enough[0].devices().eq([0]), "{enough:?}");
}

#[test]
fn what_fits_nowhere_goes_where_least_is_lacking() {
    let small = Processor { free: GB, ..PROCESSOR };
    let places = places(&[need(20, 40)], &[card(0, 8)], small, None);
    assert_eq!(places[0].parts[0].0, 0);
    assert!(places[0].layers() > 13, "{places:?}");
}

#[test]
fn a_card_that_shares_the_processors_memory_does_not_double_it() {
    let small = Processor { free: 8 * GB, ..PROCESSOR };
    let integrated = Room { is_shared: true, speed: 45e9, ..card(0, 8) };
    let needs = [need(6, 32), need(3, 16)];
    let found = places(&needs, &[integrated], small, None);
    assert_eq!(found[0], on(&[(0, 33)]), "there is no room for the draft beside it, on either: {found:?}");
}

#[test]
fn of_two_cards_one_has_the_target_and_the_other_its_draft_which_goes_ahead() {
    let needs = [need(8, 32), need(1, 16)];
    let apart = placed(&needs, &[card(0, 24), card(1, 24)]);
    let devices = |at: usize| apart[at].devices().collect::<Vec<_>>();
    assert!(devices(0).len() == 1 && devices(1).len() == 1 && devices(0) != devices(1), "{apart:?}");
    // Two devices of one other computer compute one after the other.
    let lent = [remote(0, 24), Room { computer: 0, ..remote(1, 24) }];
    let together = placed(&needs, &lent);
    assert_eq!(together[0].parts, [(0, 33)], "{together:?}");
    // Too small for the target alone: it has both.
    let shared = placed(&needs, &[card(0, 6), card(1, 6)]);
    assert_eq!((shared[0].layers(), shared[0].parts.len(), shared[1].layers()), (33, 2, 17), "{shared:?}");
}

#[test]
fn of_two_other_computers_one_has_the_target_and_the_other_its_draft() {
    let needs = [need(8, 32), need(1, 16)];
    assert_eq!(placed(&needs, &[remote(4, 24), remote(6, 24)]), [on(&[(4, 33)]), on(&[(6, 17)])]);
    // One that is far away is worth less than the processor.
    let far = Room { least: 0.02, ..remote(6, 24) };
    assert_eq!(placed(&needs, &[remote(4, 24), far]), [on(&[(4, 33)]), Place::default()]);
}

#[test]
fn layers_that_were_asked_for_are_shared_out_by_what_fits_first_over_this_computers_devices() {
    let forced = |rooms: &[Room], layers| places(&[need(8, 32)], rooms, PROCESSOR, Some(layers)).remove(0);
    let even = forced(&[card(0, 24), card(1, 24)], 99);
    assert_eq!((even.layers(), even.parts.len()), (33, 2));
    assert!(even.parts.iter().all(|(_, layers)| (16..=17).contains(layers)), "{even:?}");
    let uneven = forced(&[remote(0, 64), card(1, 4), card(2, 2)], 99);
    assert!(uneven.devices().eq([0, 2, 1]) && uneven.layers() == 33, "{uneven:?}");
    assert_eq!(forced(&[remote(0, 64), card(1, 24)], 99), on(&[(1, 33)]));
    assert_eq!(forced(&[card(0, 24), card(1, 24)], 3).layers(), 3);
}

#[test]
fn a_draft_goes_to_the_fastest_device_with_room_and_not_to_the_largest() {
    let forced = places(&[need(4, 32), need(1, 16)], &[remote(5, 64), card(0, 8)], PROCESSOR, Some(99));
    assert_eq!(forced, [on(&[(0, 33)]), on(&[(0, 17)])]);
}

#[test]
fn experts_that_are_not_asked_are_not_waited_for() {
    let all = need(16, 32);
    let experts = Need { read: all.layer / 8, ..all };
    let [dense, sparse] = [all, experts].map(|need| seconds(&need, &[], PROCESSOR, &Place::default()));
    assert!(sparse < 0.15 * dense, "{sparse} of {dense}");
}

#[test]
fn a_file_that_says_too_much_goes_nowhere_and_adds_up_to_nothing_absurd() {
    let most = u64::MAX;
    let absurd =
        Need { layers: u32::MAX, layer: most, read: most, output: most, table: most, is_shared: false, passes: most };
    let places = placed(&[absurd, need(1, 16)], &[card(0, 24), card(1, 24)]);
    assert_eq!((places[0].layers(), absurd.on_processor(0)), (0, u64::MAX));
    assert_eq!(absurd.of(5, true), u64::MAX);
}
