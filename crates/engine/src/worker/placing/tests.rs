use super::*;

const GB: u64 = 1 << 30;

/// A target of three gigabytes, which the processor reads in a tenth of a second, beside devices of these kinds with so many gigabytes free.
fn placing(kinds: &[(DeviceKind, u64)], processor: Processor) -> Placing {
    let (layer, output) = (90_000_000, 120_000_000);
    let need = Need { layers: 32, layer, read: layer, output, table: output, is_shared: false, passes: 0 };
    let device = |at: usize| {
        let (kind, gigabytes) = kinds[at];
        let (name, backend) = (format!("Device{at}"), "Some".to_owned());
        let (total, free) = (gigabytes * GB, gigabytes * GB);
        let device = Device { name, description: format!("the {at}."), backend, kind, total, free };
        let (is_shared, is_remote) = (kind == DeviceKind::Integrated, kind == DeviceKind::Remote);
        let speed = if is_remote { 100e9 } else { 300e9 };
        ((at, device), Room { index: at, free, speed, least: 0.0, is_shared, is_remote, computer: at })
    };
    let (devices, rooms) = (0..kinds.len()).map(device).unzip();
    let mut placing = Placing { devices, rooms, needs: vec![need], processor, ..Placing::default() };
    placing.places = placing.over_rooms(&placing.rooms, 1, None);
    placing.compare(1);
    placing
}

const PROCESSOR: Processor = Processor { free: 64 * GB, speed: 30e9 };

#[test]
fn a_card_with_which_a_token_takes_longer_is_refused_with_the_figures() {
    for kind in [DeviceKind::Card, DeviceKind::Integrated] {
        let placing = placing(&[(kind, 24)], PROCESSOR);
        assert_eq!(placing.places[0].layers(), 33);
        // A pass takes more than reading, there as here.
        assert_eq!(placing.slower_with(0.125, || panic!("nothing is to be measured")), None);
        let slower = placing.slower_with(0.2, || 30e9).unwrap();
        assert_eq!((slower.rung.as_str(), slower.problem.code), ("the 0.", Code::DeviceSlower));
        let told = ["device", "with", "without"].map(|name| slower.problem.details[name].as_str());
        assert_eq!(told, ["the 0.", "200.0", "130.0"]);
    }
}

#[test]
fn a_card_is_not_blamed_for_a_program_that_holds_the_processor_up() {
    let placing = placing(&[(DeviceKind::Card, 24)], PROCESSOR);
    assert_eq!(placing.slower_with(0.2, || 15e9), None);
    assert!(placing.slower_with(0.2, || 99e9).is_some(), "it is no faster than it was");
}

#[test]
fn what_there_is_no_room_for_elsewhere_stays_however_slow() {
    let placing = placing(&[(DeviceKind::Card, 24)], Processor { free: GB, ..PROCESSOR });
    assert_eq!((placing.places[0].layers(), placing.slower_with(9.0, || 30e9)), (33, None));
}

#[test]
fn what_the_processor_has_anyway_is_held_against_nothing() {
    let placing = placing(&[(DeviceKind::Card, 0)], PROCESSOR);
    assert_eq!((placing.places[0].layers(), placing.slower_with(9.0, || 30e9)), (0, None));
}

#[test]
fn other_computers_are_refused_first() {
    let slow = Processor { speed: 3e9, ..PROCESSOR };
    let placing = placing(&[(DeviceKind::Card, 1), (DeviceKind::Remote, 24)], slow);
    assert!(placing.places[0].has(0) && placing.places[0].has(1), "{:?}", placing.places);
    let slower = placing.slower_with(9.0, || 3e9).unwrap();
    assert_eq!((slower.rung.as_str(), slower.problem.code), ("the 1.", Code::RemoteSlower));
    assert_eq!(slower.problem.details["address"], "the 1.");

    let card = |name: &str| LeftOut { rung: name.to_owned(), problem: Problem::new(Code::DeviceSlower) };
    let without = Along::Asked.without(slower.clone());
    assert_eq!(without, Along::Refused(vec![slower.clone()]));
    assert_eq!(without.without(card("one")), Along::Nothing(vec![slower, card("one")]));
    assert_eq!(Along::Lost.without(card("one")), Along::Nothing(vec![card("one")]));
}

#[test]
fn how_full_each_device_is_to_be_is_told_of_those_that_are_used() {
    let slow = Processor { speed: 3e9, ..PROCESSOR };
    let two = placing(&[(DeviceKind::Card, 1), (DeviceKind::Card, 24)], slow);
    let filled = two.filled();
    assert!(!filled.is_empty() && filled.iter().all(|(_, share)| *share > 0.0 && *share <= 1.0), "{filled:?}");
    assert_eq!(placing(&[(DeviceKind::Card, 0)], PROCESSOR).filled(), []);
}
