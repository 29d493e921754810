//! What is wrong with a file is told with the field it is in.

use super::super::bounded::lossy;
use super::super::{Fault, Field};
use super::look;
use crate::name::in_one_line;
use crate::sample::Gguf;

/// What `fault` says in both languages, if it names a field that `file` has.
pub(super) fn named(fault: Fault, file: &[u8]) -> Result<(), String> {
    let count = |at: usize| file.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes);
    let (tensors, keys) = (count(8), count(16));
    // A name stands there behind its length.
    let stands = |name: &str| {
        let lengths = (8..file.len()).map(|at| (at, count(at - 8).min(file.len() as u64) as usize));
        let texts = lengths.filter_map(|(at, length)| file.get(at..at + length));
        texts.map(|text| lossy(text.to_vec())).any(|text| text == name)
    };
    let (Fault::Truncated(field) | Fault::Refused(field, _)) = &fault else { return Ok(()) };
    let (right, figure) = match field {
        Field::Magic => (false, String::new()),
        Field::Version | Field::TensorCount | Field::KeyCount | Field::Weights => (true, String::new()),
        Field::Keys(number) => (*number == keys, number.to_string()),
        Field::Tensors(number) => (*number == tensors, number.to_string()),
        Field::KeyName(number) => ((1..=keys).contains(number), number.to_string()),
        Field::TensorName(number) => ((1..=tensors).contains(number), number.to_string()),
        // It may be what is missing.
        Field::Key(name) => (&**name == "general.architecture" || stands(name), in_one_line(name)),
        Field::Tensor(name) => (stands(name), in_one_line(name)),
    };
    let field = field.to_string();
    let problem = fault.problem(&"file");
    let said = |detail: &str| problem.details.get(detail).map_or("", String::as_str);
    let (en, ja) = (said("reason"), said("reason_ja"));
    if right && en.contains(&field) && ja.contains(&figure) && !ja.contains("the ") {
        Ok(())
    } else {
        Err(format!("the field is not said: {problem:?}"))
    }
}

/// Where each field of `gguf` begins and what it is called, in their order.
fn fields(gguf: &Gguf) -> Vec<(usize, String)> {
    let mut at = 24;
    let mut fields = vec![(4, Field::Version), (8, Field::TensorCount), (16, Field::KeyCount)];
    let mut name_and_more = |name: &str, length: usize, named: Field, more: Field| {
        fields.push((at, named));
        fields.push((at + 8 + name.len(), more));
        at += length;
    };
    for (number, pair) in (1..).zip(&gguf.pairs) {
        let length = usize::from(pair[0]);
        let name = std::str::from_utf8(&pair[8..8 + length]).unwrap();
        name_and_more(name, pair.len(), Field::KeyName(number), Field::Key(name.into()));
    }
    for (number, (name, dimensions, ..)) in (1..).zip(&gguf.tensors) {
        let length = 8 + name.len() + 4 + 8 * dimensions.len() + 4 + 8;
        name_and_more(name, length, Field::TensorName(number), Field::Tensor(name.as_str().into()));
    }
    fields.push((at, Field::Weights));
    fields.into_iter().map(|(at, field)| (at, field.to_string())).collect()
}

/// Which of the `fields` the byte `at` lies in.
fn field_of(fields: &[(usize, String)], at: usize) -> usize {
    fields.partition_point(|(begins, ..)| *begins <= at) - 1
}

#[test]
fn a_file_cut_anywhere_is_told_from_one_that_is_no_gguf_and_where_it_ends_is_said() {
    let gguf = Gguf::small();
    let (bytes, fields) = (gguf.bytes(), fields(&gguf));
    assert!(matches!(look(&[]), Err(Fault::Empty)));
    for cut in 1..bytes.len() {
        let fault = look(&bytes[..cut]).unwrap_err();
        match &fault {
            Fault::Foreign => assert!(cut < 4, "cut at {cut}"),
            // As soon as they cannot all follow.
            Fault::Truncated(Field::Keys(9)) => assert!((24..24 + 9 * 13).contains(&cut), "cut at {cut}"),
            Fault::Truncated(field) => assert_eq!(field.to_string(), fields[field_of(&fields, cut)].1, "cut at {cut}"),
            other => panic!("cut at {cut}: {other:?}"),
        }
        named(fault, &bytes[..cut]).unwrap();
    }
}

#[test]
fn of_one_changed_byte_its_own_field_is_named_or_one_behind_it() {
    let gguf = Gguf::small();
    let (bytes, fields, header) = (gguf.bytes(), fields(&gguf), gguf.header().len());
    let (mut exactly, mut behind) = (0, 0);
    for at in 4..header {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let Err(fault) = look(&changed) else { continue };
            let (Fault::Truncated(field) | Fault::Refused(field, _)) = &fault else { panic!("byte {at}: {fault:?}") };
            let (own, said) = (field_of(&fields, at), field.to_string());
            named(fault, &changed).unwrap();
            // What no field was called before lies in what changed, or behind it.
            let place = fields.iter().position(|(_, name)| *name == said).unwrap_or(fields.len());
            assert!(place >= own, "byte {at} is in {}, not in {said}", fields[own].1);
            if place == own { exactly += 1 } else { behind += 1 }
        }
    }
    assert!(exactly > behind, "{exactly} by their own field, {behind} by one behind it");
}
