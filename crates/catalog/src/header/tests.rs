mod fields;
mod mutants;

use std::io::Cursor;

use super::*;
use crate::sample::{Gguf, Numbers, pair, text};

fn look(bytes: &[u8]) -> Result<Header, Fault> {
    read(Cursor::new(bytes), bytes.len() as u64)
}

fn reason(gguf: &Gguf) -> String {
    match look(&gguf.bytes()) {
        Err(Fault::Refused(field, reason)) => format!("{field}: {reason}"),
        other => panic!("must be refused: {other:?}"),
    }
}

#[test]
fn a_header_tells_what_the_model_is() {
    let bytes = Gguf::small().bytes();
    let header = look(&bytes).unwrap();
    assert_eq!(header.architecture, "llama");
    assert_eq!(header.name.as_deref(), Some("Tiny 滝"));
    assert_eq!((header.context_length, header.tensor_count, header.kind), (Some(2048), 2, Kind::Writes));
    let tokenizer = header.tokenizer.unwrap();
    assert_eq!((tokenizer.size, tokenizer.model, header.part, header.drafts_itself), (3, None, None, false));
    assert!(header.chat_template, "a template longer than what is kept still counts");
    assert_eq!(header.types, [("F32", 128), ("Q4_1", 60)]);
    assert_eq!(header.file_bytes, bytes.len() as u64);
    assert!(look(&Gguf { version: 2, ..Gguf::small() }.bytes()).is_ok());
}

#[test]
fn a_model_that_sums_texts_up_writes_none_whatever_its_family_does() {
    let kind = |architecture: &str, pooling: u32| {
        let mut gguf = Gguf::small();
        gguf.pairs[0] = pair("general.architecture", 8, &text(architecture));
        gguf.pairs.push(pair(&format!("{architecture}.pooling_type"), 4, &pooling.to_le_bytes()));
        look(&gguf.bytes()).unwrap().kind
    };
    // 3 takes the last token (Qwen3 Embedding), 4 gives a rank (Qwen3 Reranker), 0 is none.
    assert_eq!([3, 4, 0].map(|pooling| kind("qwen3", pooling)), [Kind::Embeds, Kind::Embeds, Kind::Writes]);
    assert_eq!([1, 0].map(|pooling| kind("lfm2", pooling)), [Kind::Embeds, Kind::Recurrent]);
    assert_eq!([3, 0].map(|pooling| kind("clip", pooling)), [Kind::Projects; 2]);
    assert_eq!([kind("qwen3tts", 0), kind("t5", 0)], [Kind::Speaks, Kind::Rewrites]);
}

#[test]
fn what_a_context_takes_follows_from_layers_and_heads() {
    let number = |key: &str, number: u32| pair(&format!("llama.{key}"), 4, &number.to_le_bytes());
    let with = |more: &[Vec<u8>]| {
        let mut gguf = Gguf::small();
        let usual = [number("block_count", 3), number("attention.head_count", 8), number("embedding_length", 64)];
        gguf.pairs.extend([&usual[..], more].concat());
        look(&gguf.bytes()).unwrap()
    };
    let heads = number("attention.head_count_kv", 2);
    // Two bytes for each of 8 + 8 figures, for 2 heads in each of 3 layers.
    assert_eq!(with(std::slice::from_ref(&heads)).cache_bytes, Some(2 * 16 * 2 * 3));
    assert_eq!(with(&[]).cache_bytes, Some(2 * 16 * 8 * 3), "as many as all heads");
    let longer = number("attention.key_length", 32);
    assert_eq!(with(&[heads, longer]).cache_bytes, Some(2 * (32 + 8) * 2 * 3));
    let list = |numbers: [u32; 3]| numbers.map(u32::to_le_bytes).concat();
    let each = [&5_u32.to_le_bytes()[..], &3_u64.to_le_bytes(), &list([1, 2, 4])].concat();
    assert_eq!(with(&[pair("llama.attention.head_count_kv", 9, &each)]).cache_bytes, Some(2 * 16 * 7), "1, 2 and 4");
    let mut gguf = Gguf::small();
    let listed = pair("llama.attention.head_count", 9, &each);
    gguf.pairs.extend([number("block_count", 3), listed, number("embedding_length", 16)]);
    assert_eq!(
        look(&gguf.bytes()).unwrap().cache_bytes,
        Some(2 * 32 * 7),
        "layers differ, keys are as long as the first one's"
    );
    let (one, none) = (number("attention.head_count_kv", 1), number("attention.head_count_kv", 0));
    assert_eq!(with(std::slice::from_ref(&none)).cache_bytes, Some(0), "it keeps a state instead");
    // DeepSeek's: a key of 512 + 64 figures that the values are made of.
    let keys = [number("attention.key_length", 576), number("attention.value_length", 512)];
    let compressed = [number("attention.kv_lora_rank", 512), number("attention.key_length_mla", 192)];
    let mla = [&[one][..], &keys, &compressed].concat();
    assert_eq!(with(&mla).cache_bytes, Some(2 * 576 * 3), "no values");
    assert_eq!(with(&mla[..4]).cache_bytes, Some(2 * (576 + 512) * 3), "older files have them");
    let indexed = number("attention.indexer.key_length", 128);
    assert_eq!(with(&[&mla[..], &[indexed]].concat()).cache_bytes, None, "there is more to it");
    let endless = number("attention.key_length", u32::MAX);
    let layers = pair("llama.attention.head_count_kv", 10, &u64::MAX.to_le_bytes());
    assert_eq!(with(&[layers, endless]).cache_bytes, None, "nothing wraps");
}

#[test]
fn a_token_reads_some_experts_and_one_row_of_a_table() {
    let experts = |used: u32| {
        let mut gguf = Gguf::small();
        gguf.tensors.push(("output.weight".into(), vec![32, 3], 0, 192));
        gguf.tensors.push(("blk.0.ffn_up_exps.weight".into(), vec![32, 4, 8], 0, 192 + 384));
        gguf.data = 192 + 384 + 4096;
        gguf.pairs.push(pair("llama.expert_count", 4, &8_u32.to_le_bytes()));
        gguf.pairs.push(pair("llama.expert_used_count", 4, &used.to_le_bytes()));
        look(&gguf.bytes()).unwrap()
    };
    let small = look(&Gguf::small().bytes()).unwrap();
    assert_eq!(small.reads, 128 + 60, "the table makes the scores as well");
    let (few, all) = (experts(2), experts(8));
    assert_eq!((few.reads, all.reads), (128 + 384 + 1024, 128 + 384 + 4096));
    assert!(all.summary().reads_beside(&few.summary()) > 2.9 && few.types == all.types, "as large, but slower");
    assert_eq!(experts(0).reads, 128 + 384);
}

#[test]
fn a_further_part_of_a_model_says_so() {
    let mut gguf = Gguf::small();
    gguf.pairs.push(pair("split.no", 2, &0_u16.to_le_bytes()));
    gguf.pairs.push(pair("split.count", 2, &3_u16.to_le_bytes()));
    assert_eq!(look(&gguf.bytes()).unwrap().part, Some((1, 3)));
    gguf.pairs[0] = pair("split.tensors.count", 5, &2_u32.to_le_bytes());
    gguf.pairs[9] = pair("split.no", 2, &1_u16.to_le_bytes());
    assert!(matches!(look(&gguf.bytes()), Err(Fault::FurtherPart)));
}

#[test]
fn each_kind_of_bad_file_has_its_own_problem() {
    let folder = tempfile::tempdir().unwrap();
    let small = Gguf::small().bytes();
    let mut random = Numbers(1).bytes(5000);
    random[0] = 0;
    for (name, contents, code) in [
        ("empty.gguf", Vec::new(), Code::ModelEmpty),
        ("random.gguf", random, Code::NotGguf),
        ("page.gguf", b"<html>404</html>".to_vec(), Code::NotGguf),
        ("short.gguf", b"GG".to_vec(), Code::NotGguf),
        ("cut.gguf", small[..small.len() - 1].to_vec(), Code::ModelTruncated),
        ("old.gguf", Gguf { version: 1, ..Gguf::small() }.bytes(), Code::ModelRefused),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, contents).unwrap();
        let problem = check_header(&path).unwrap_err();
        assert_eq!(problem.code, code, "{name}");
        assert_eq!(problem.details["path"], path.display().to_string());
        let names = matches!(code, Code::ModelTruncated | Code::ModelRefused);
        assert_eq!(problem.details.contains_key("reason_ja"), names, "{problem:?}");
    }
    assert_eq!(check_header(&folder.path().join("none.gguf")).unwrap_err().code, Code::ModelUnreadable);
    assert_eq!(check_header(folder.path()).unwrap_err().code, Code::ModelUnreadable, "a folder");
}

#[test]
fn lies_about_counts_sizes_and_places_are_refused_with_a_reason() {
    let with = |change: &dyn Fn(&mut Gguf)| {
        let mut gguf = Gguf::small();
        change(&mut gguf);
        reason(&gguf)
    };
    let says = |change: &dyn Fn(&mut Gguf), field: &str, why: &str| {
        let said = with(change);
        let (named, because) = said.split_once(": ").unwrap();
        assert!(named == field && because.contains(why), "{said}");
    };
    says(&|g| g.tensors.clear(), "the number of tensors", "no weights");
    let (first, second) = ("the tensor “token_embd.weight”", "the tensor “output_norm.weight”");
    says(&|g| g.tensors[1].3 = 0, second, "not where it should be");
    says(&|g| g.tensors[0].1 = vec![32, u64::MAX / 16], first, "impossible");
    says(&|g| g.tensors[0].1 = vec![31, 3], first, "do not fit");
    says(&|g| g.tensors[0].1 = vec![1; 5], first, "5 dimensions");
    // 4 is one that ggml dropped.
    says(&|g| g.tensors[0].2 = 4, first, "unknown type");
    says(&|g| g.tensors[1].2 = u32::MAX, second, "unknown type");
    says(&|g| g.tensors[1].0 = "x".repeat(64), "the name of tensor 2", "too long");
    says(&|g| g.tensors[1] = g.tensors[0].clone(), first, "not where");
    says(&|g| g.tensors.insert(0, ("token_embd.weight".into(), vec![0], 0, 0)), first, "twice");
    says(&|g| g.pairs.push(g.pairs[0].clone()), "the key “general.architecture”", "twice");
    says(&|g| g.pairs[0] = pair("general.architecture", 8, &text("")), "the key “general.architecture”", "what kind");
    for bytes in [0_u32, 33] {
        let aligned = pair("general.alignment", 4, &bytes.to_le_bytes());
        says(&|g| g.pairs[2] = aligned.clone(), "the key “general.alignment”", "aligned");
    }
    for layers in [0_u32, 513, 2_000_000_000] {
        let claimed = pair("llama.block_count", 4, &layers.to_le_bytes());
        says(
            &|g| g.pairs.push(claimed.clone()),
            "the key “llama.block_count”",
            &format!("no model has {layers} layers"),
        );
    }
    let endless = pair("llama.context_length", 4, &u32::MAX.to_le_bytes());
    says(
        &|g| g.pairs[3] = endless.clone(),
        "the key “llama.context_length”",
        "no model has 4294967295 tokens of context",
    );
    says(&|g| g.pairs[3] = pair("", 4, &[0; 4]), "the name of key 4", "empty");
    says(&|g| g.pairs.push(pair("x", 99, &[])), "the key “x”", "unknown kind");
    let nested = [9_u32.to_le_bytes().as_slice(), &1_u64.to_le_bytes(), &[0; 32]].concat();
    says(&|g| g.pairs.push(pair("lists", 9, &nested)), "the key “lists”", "unknown kind");
    let endless = [8_u32.to_le_bytes().as_slice(), &u64::MAX.to_le_bytes()].concat();
    says(&|g| g.pairs.push(pair("x", 9, &endless)), "the key “x”", "list of");
    says(&|g| g.pairs.push(pair("x", 8, &u64::MAX.to_le_bytes())), "the key “x”", "claims");
    says(&|g| g.version = 77, "the version of GGUF", "version 77");
    says(&|g| g.version = 3_u32.swap_bytes(), "the version of GGUF", "big-endian");
    let mut counts = Gguf::small().bytes();
    counts[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(look(&counts), Err(Fault::Refused(Field::Tensors(u64::MAX), _))));
}
